package io.varve.api.control;

import io.varve.engine.Compression;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * Volumes out of images: clones at once, in full speed. A launch makes all its volumes or none, also if it is cut short
 * by a crash. Thread-safe.
 */
public final class ImageLaunches {
    /** How many volumes one launch may make. */
    public static final int MOST_VOLUMES = 1000;

    private final ControlParts parts;
    private final Images images;
    private final Volumes volumes;
    private final VolumeCreation creation;

    ImageLaunches(ControlParts parts, Images images, Volumes volumes, VolumeCreation creation) {
        this.parts = parts;
        this.images = images;
        this.volumes = volumes;
        this.creation = creation;
    }

    /**
     * What somebody wants of an image.
     *
     * @param count how many times all its disks
     * @param label of each volume
     */
    public record Request(int count, Label label, Optional<String> clientToken) {}

    /** A disk that was launched. */
    public record Disk(BlockDeviceMapping mapping, VolumeView volume) {}

    /**
     * Makes volumes of all disks of an image, or finds those that the same token made; of these, such as were deleted
     * since are made anew.
     *
     * @return one list of disks for each time
     * @throws RequestException IMAGE_NOT_FOUND, IMAGE_UNAVAILABLE, RESOURCE_LIMIT_EXCEEDED
     */
    public CompletableFuture<List<List<Disk>>> launch(ImageId id, Request request) {
        ImageEntry image = images.usable(id);
        int wanted = request.count() * image.mappings().size();
        if (wanted > MOST_VOLUMES) {
            throw new RequestException(
                    ErrorCode.RESOURCE_LIMIT_EXCEEDED,
                    "count %d of an image with %d disks would be %d volumes; %d are allowed"
                            .formatted(request.count(), image.mappings().size(), wanted, MOST_VOLUMES));
        }
        List<VolumeRequest> all = new ArrayList<>();
        for (int number = 0; number < request.count(); number++) {
            for (BlockDeviceMapping mapping : image.mappings()) {
                all.add(volume(id, number, mapping, request));
            }
        }
        String turn = "launch "
                + request.clientToken()
                        .orElseGet(() -> VolumeId.random(parts.random()).toString());
        return parts.sequencer()
                .run(
                        turn,
                        () -> creation.createAll(all).stream()
                                .map(volumes::describe)
                                .toList())
                .thenApply(launched -> launched(image, launched, request.count()));
    }

    private static VolumeRequest volume(ImageId image, int number, BlockDeviceMapping mapping, Request request) {
        return new VolumeRequest(
                Optional.of(mapping.sizeGiB()),
                Optional.of(mapping.snapshot()),
                Optional.empty(),
                mapping.limits(),
                Compression.AUTO,
                request.label(),
                request.clientToken()
                        .map(token -> "%s %s %d %s".formatted(token, image, number, mapping.deviceName())));
    }

    private static List<List<Disk>> launched(ImageEntry image, List<VolumeView> all, int count) {
        int disks = image.mappings().size();
        return IntStream.range(0, count)
                .mapToObj(number -> IntStream.range(0, disks)
                        .mapToObj(disk -> new Disk(image.mappings().get(disk), all.get(number * disks + disk)))
                        .toList())
                .toList();
    }
}
