package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Images of instances as they are: snapshots of all attached volumes at one instant, registered. Either there is the
 * image with its snapshots or nothing of both, also if a crash cuts it short. Thread-safe.
 */
public final class InstanceImages {
    private final ControlParts parts;
    private final Instances instances;
    private final Volumes volumes;
    private final SnapshotCreation creation;
    private final Images images;

    InstanceImages(ControlParts parts, Instances instances, Volumes volumes, SnapshotCreation creation, Images images) {
        this.parts = parts;
        this.instances = instances;
        this.volumes = volumes;
        this.creation = creation;
        this.images = images;
    }

    /**
     * What somebody wants the image to be; see {@link Images.Request}.
     *
     * @param snapshots the label of each snapshot
     */
    public record Request(
            Label label,
            Label snapshots,
            String description,
            Optional<String> rootDeviceName,
            Optional<String> clientToken) {
        private Optional<ClientToken> token(InstanceId of) {
            String canonical = "image of %s: %s %s %s %s".formatted(of, label, snapshots, description, rootDeviceName);
            return clientToken.map(text -> new ClientToken(text, canonical));
        }
    }

    /**
     * Makes an image, or finds the one that the same token made. Fails with INSTANCE_NOT_FOUND, INCORRECT_STATE if
     * nothing is attached, and as {@link Images#register} does.
     */
    public CompletableFuture<ImageEntry> create(InstanceId id, Request request) {
        Optional<ClientToken> token = request.token(id);
        Optional<ImageEntry> earlier = parts.images().withToken(token);
        if (earlier.isPresent()) {
            return CompletableFuture.completedFuture(earlier.get());
        }
        List<Attachment> attached = instances.describe(id).attachments().stream()
                .filter(attachment -> !attachment.detaching())
                .toList();
        if (attached.isEmpty() || attached.size() > ImageEntry.MOST_MAPPINGS) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE,
                    "instance %s has %d attached volumes; an image has from 1 to %d"
                            .formatted(id, attached.size(), ImageEntry.MOST_MAPPINGS));
        }
        Set<VolumeId> wanted = new LinkedHashSet<>();
        attached.forEach(attachment -> wanted.add(attachment.volume()));
        Map<VolumeId, SnapshotId> drawn = creation.draw(wanted);
        Images.Request image = new Images.Request(
                request.label(),
                request.description(),
                request.rootDeviceName(),
                disks(attached, drawn),
                false,
                request.clientToken());
        SnapshotGroupRequest group =
                new SnapshotGroupRequest(wanted, request.snapshots(), "for an image of " + id, Optional.empty());
        return parts.sequencer()
                .run("image of " + id, () -> {
                    creation.beginGroup(drawn, group);
                    return Set.copyOf(drawn.values());
                })
                .thenCompose(own -> images.register(image, token, own));
    }

    private List<Images.Disk> disks(List<Attachment> attached, Map<VolumeId, SnapshotId> drawn) {
        List<Images.Disk> disks = new ArrayList<>();
        drawn.forEach((volume, snapshot) -> {
            Attachment attachment = attached.get(disks.size());
            VolumeLimits limits = volumes.describe(volume).entry().limits().chosen(volumes.types());
            disks.add(new Images.Disk(
                    attachment.deviceName(), snapshot, Optional.empty(), limits, attachment.deleteOnTermination()));
        });
        return disks;
    }
}
