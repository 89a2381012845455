package io.varve.api.control;

import io.varve.engine.Compression;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/**
 * Instances with the disks of an image. The volumes are made first and are provisional until the instance is written
 * down with them, so that a launch is whole or never was, also if a crash cuts it short. Thread-safe.
 */
public final class InstanceLaunches {
    private final ControlParts parts;
    private final Instances instances;
    private final VolumeCreation creation;
    private final Images images;

    InstanceLaunches(ControlParts parts, Instances instances, VolumeCreation creation, Images images) {
        this.parts = parts;
        this.instances = instances;
        this.creation = creation;
        this.images = images;
    }

    /**
     * A disk that is to be otherwise than in the image, or one more.
     *
     * @param left out: the device of the image has no disk
     * @param snapshot empty for that of the image; a disk that the image has not is empty then
     * @param deleteOnTermination empty for what the image says; a disk that the image has not goes with the instance
     *     then
     */
    public record Disk(
            String deviceName,
            boolean left,
            Optional<SnapshotId> snapshot,
            Optional<Integer> sizeGiB,
            LimitsChange limits,
            Optional<Boolean> deleteOnTermination) {}

    /**
     * What somebody wants.
     *
     * @param disks what is otherwise than in the image
     * @param volumes the label of each volume
     * @param defaultType of disks that the image has not
     */
    public record Request(
            Optional<InstanceId> id,
            ImageId image,
            List<Disk> disks,
            Label label,
            Label volumes,
            String defaultType,
            Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            String canonical = id + " " + image + disks + label.name() + new TreeMap<>(label.tags())
                    + new TreeMap<>(volumes.tags());
            return clientToken.map(text -> new ClientToken(text, canonical));
        }
    }

    private record Planned(VolumeRequest volume, Attachment attachment) {}

    /**
     * Makes a pending instance with volumes, or finds the one of the same token. Fails with IMAGE_NOT_FOUND,
     * IMAGE_UNAVAILABLE, INVALID_BLOCK_DEVICE_MAPPING, ATTACHMENT_LIMIT_EXCEEDED, and as {@link Instances#create} and
     * {@link Volumes#create} do; nothing is left then.
     */
    public CompletableFuture<InstanceEntry> launch(Request request) {
        Optional<ClientToken> token = request.token();
        return parts.sequencer()
                .run(
                        Instances.TURN,
                        () -> parts.instances().withToken(token).orElseGet(() -> launchNow(request, token)));
    }

    private InstanceEntry launchNow(Request request, Optional<ClientToken> token) {
        Instant now = parts.clock().instant().truncatedTo(ChronoUnit.MILLIS);
        List<Planned> plan = plan(images.usable(request.image()), request, now);
        InstanceEntry instance = new InstanceEntry(
                instances.newId(request.id()),
                request.label(),
                InstanceState.PENDING,
                plan.stream().map(Planned::attachment).toList(),
                now,
                Optional.of(new InstanceEntry.Launch(request.image())),
                token);
        Map<VolumeId, VolumeRequest> wanted = new LinkedHashMap<>();
        plan.forEach(disk -> wanted.put(disk.attachment().volume(), disk.volume()));
        creation.begin(wanted);
        try {
            parts.instances().put(instance);
        } catch (StoreException e) {
            creation.takeBack(wanted.keySet());
            throw RequestException.of(e);
        }
        wanted.keySet().forEach(volume -> parts.attached().add(volume, instance.id()));
        creation.settle(wanted.keySet());
        return instance;
    }

    private List<Planned> plan(ImageEntry image, Request request, Instant now) {
        Map<String, Planned> plan = new LinkedHashMap<>();
        for (BlockDeviceMapping mapping : image.mappings()) {
            Disk same = new Disk(
                    mapping.deviceName(),
                    false,
                    Optional.of(mapping.snapshot()),
                    Optional.of(mapping.sizeGiB()),
                    LimitsChange.NONE,
                    Optional.of(mapping.deleteOnTermination()));
            plan.put(mapping.deviceName(), planned(same, mapping.limits(), request, now));
        }
        List<String> given = new ArrayList<>();
        for (Disk disk : request.disks()) {
            String device = disk.deviceName();
            if (given.contains(device)) {
                throw invalid("device %s is given twice".formatted(device));
            }
            given.add(device);
            Optional<BlockDeviceMapping> mapping = image.mappings().stream()
                    .filter(one -> one.deviceName().equals(device))
                    .findFirst();
            if (!disk.left()) {
                plan.put(device, planned(otherwise(disk, mapping), limits(mapping, request), request, now));
            } else if (device.equals(image.rootDeviceName()) || plan.remove(device) == null) {
                throw invalid(
                        "device %s is no disk of image %s, or the one to boot from".formatted(device, image.id()));
            }
        }
        if (plan.size() > InstanceEntry.MOST_ATTACHMENTS) {
            throw new RequestException(
                    ErrorCode.ATTACHMENT_LIMIT_EXCEEDED,
                    "the instance would have %d volumes; %d are allowed"
                            .formatted(plan.size(), InstanceEntry.MOST_ATTACHMENTS));
        }
        return List.copyOf(plan.values());
    }

    /** Another snapshot brings its own size. */
    private static Disk otherwise(Disk disk, Optional<BlockDeviceMapping> mapping) {
        boolean ownSnapshot = disk.snapshot().isPresent();
        return new Disk(
                disk.deviceName(),
                false,
                disk.snapshot().or(() -> mapping.map(BlockDeviceMapping::snapshot)),
                disk.sizeGiB().or(() -> ownSnapshot ? Optional.empty() : mapping.map(BlockDeviceMapping::sizeGiB)),
                disk.limits(),
                disk.deleteOnTermination().or(() -> mapping.map(BlockDeviceMapping::deleteOnTermination)));
    }

    private static VolumeLimits limits(Optional<BlockDeviceMapping> mapping, Request request) {
        return mapping.map(BlockDeviceMapping::limits).orElse(new VolumeLimits(request.defaultType(), 0, 0));
    }

    private Planned planned(Disk disk, VolumeLimits limits, Request request, Instant now) {
        VolumeRequest volume = new VolumeRequest(
                disk.sizeGiB(),
                disk.snapshot(),
                Optional.empty(),
                disk.limits().equals(LimitsChange.NONE) ? limits : disk.limits().apply(limits, parts.types()),
                Compression.AUTO,
                request.volumes(),
                Optional.empty());
        return new Planned(
                volume,
                new Attachment(
                        VolumeId.random(parts.random()),
                        disk.deviceName(),
                        disk.deleteOnTermination().orElse(true),
                        false,
                        now));
    }

    private static RequestException invalid(String why) {
        return new RequestException(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING, why);
    }
}
