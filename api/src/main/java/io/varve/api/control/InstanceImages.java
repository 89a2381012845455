package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Images of instances as they are: snapshots of all attached volumes at one instant, registered. If that is refused the
 * snapshots go again; a crash between both leaves them. Thread-safe.
 */
public final class InstanceImages {
    private final Instances instances;
    private final Volumes volumes;
    private final Snapshots snapshots;
    private final Images images;

    InstanceImages(Instances instances, Volumes volumes, Snapshots snapshots, Images images) {
        this.instances = instances;
        this.volumes = volumes;
        this.snapshots = snapshots;
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
            Optional<String> clientToken) {}

    /**
     * Makes an image, or finds the one that the same token made. Fails with INSTANCE_NOT_FOUND, INCORRECT_STATE if nothing
     * is attached, and as {@link Images#register} does.
     */
    public CompletableFuture<ImageEntry> create(InstanceId id, Request request) {
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
        SnapshotGroupRequest group = new SnapshotGroupRequest(
                wanted,
                request.snapshots(),
                "for an image of " + id,
                request.clientToken().map(token -> token + " image"));
        return snapshots.createGroup(group).thenCompose(taken -> register(attached, taken, request));
    }

    private CompletableFuture<ImageEntry> register(
            List<Attachment> attached, List<SnapshotView> taken, Request request) {
        if (taken.size() < attached.size()) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE,
                    "some of the snapshots that this clientToken took are deleted: use another clientToken");
        }
        List<Images.Disk> disks = new ArrayList<>();
        for (int i = 0; i < attached.size(); i++) {
            Attachment attachment = attached.get(i);
            VolumeLimits limits =
                    volumes.describe(attachment.volume()).entry().limits().chosen(volumes.types());
            disks.add(new Images.Disk(
                    attachment.deviceName(),
                    taken.get(i).record().id(),
                    Optional.empty(),
                    limits,
                    attachment.deleteOnTermination()));
        }
        Images.Request image = new Images.Request(
                request.label(), request.description(), request.rootDeviceName(), disks, false, request.clientToken());
        return images.register(image)
                .handle((made, failure) -> failure == null
                        ? CompletableFuture.completedFuture(made)
                        : undo(taken).thenCompose(gone -> CompletableFuture.<ImageEntry>failedFuture(failure)))
                .thenCompose(ended -> ended);
    }

    /** Those that an image of an earlier call uses stay. */
    private CompletableFuture<String> undo(List<SnapshotView> taken) {
        return CompletableFuture.allOf(taken.stream()
                        .map(snapshot ->
                                snapshots.delete(snapshot.record().id(), false, Precondition.NONE, Connections.NONE))
                        .toArray(CompletableFuture[]::new))
                .handle((done, failure) -> "undone");
    }
}
