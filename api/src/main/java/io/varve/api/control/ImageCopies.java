package io.varve.api.control;

import io.varve.engine.SnapshotId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Images that have disks of their own which read as those of another. If the registration is refused the copies of the
 * snapshots go again; a crash before it leaves them, and asking again with the same client token goes on with them.
 * Thread-safe.
 */
public final class ImageCopies {
    private final Images images;
    private final Snapshots snapshots;

    ImageCopies(Images images, Snapshots snapshots) {
        this.images = images;
        this.snapshots = snapshots;
    }

    /**
     * What somebody wants the copy to be.
     *
     * @param snapshots the label of each snapshot
     * @param description empty for that of the image
     */
    public record Request(Label label, Label snapshots, Optional<String> description, Optional<String> clientToken) {}

    /**
     * Copies an image, or finds the copy that the same token made. Neither deprecation nor protection is copied. Fails with
     * IMAGE_NOT_FOUND, IMAGE_UNAVAILABLE, and as {@link Snapshots#copy} and {@link Images#register} do.
     */
    public CompletableFuture<ImageEntry> copy(ImageId of, Request request) {
        ImageEntry image = images.usable(of);
        List<CompletableFuture<SnapshotView>> copies = image.snapshots().stream()
                .map(snapshot -> snapshots.copy(copy(snapshot, of, request)))
                .toList();
        return all(copies)
                .thenCompose(done -> register(image, copies, request))
                .handle((made, failure) -> failure == null
                        ? CompletableFuture.completedFuture(made)
                        : undo(copies).thenCompose(gone -> CompletableFuture.<ImageEntry>failedFuture(failure)))
                .thenCompose(ended -> ended);
    }

    private static SnapshotCopyRequest copy(SnapshotId snapshot, ImageId image, Request request) {
        return new SnapshotCopyRequest(
                snapshot,
                request.snapshots(),
                "for a copy of " + image,
                request.clientToken().map(token -> "%s %s %s".formatted(token, image, snapshot)));
    }

    private CompletableFuture<ImageEntry> register(
            ImageEntry image, List<CompletableFuture<SnapshotView>> copies, Request request) {
        Map<SnapshotId, SnapshotId> places = new HashMap<>();
        for (int i = 0; i < copies.size(); i++) {
            places.put(image.snapshots().get(i), copies.get(i).join().record().id());
        }
        List<Images.Disk> disks = new ArrayList<>();
        for (BlockDeviceMapping mapping : image.mappings()) {
            disks.add(new Images.Disk(
                    mapping.deviceName(),
                    places.getOrDefault(mapping.snapshot(), mapping.snapshot()),
                    Optional.of(mapping.sizeGiB()),
                    mapping.limits(),
                    mapping.deleteOnTermination()));
        }
        return images.register(new Images.Request(
                request.label(),
                request.description().orElse(image.description()),
                Optional.of(image.rootDeviceName()),
                disks,
                false,
                request.clientToken()));
    }

    /** Those that an image of an earlier call uses stay. */
    private CompletableFuture<String> undo(List<CompletableFuture<SnapshotView>> copies) {
        return all(copies.stream()
                        .filter(copy -> !copy.isCompletedExceptionally())
                        .map(copy ->
                                snapshots.delete(copy.join().record().id(), false, Precondition.NONE, Connections.NONE))
                        .toList())
                .handle((done, failure) -> "undone");
    }

    private static CompletableFuture<Void> all(List<? extends CompletableFuture<?>> futures) {
        return CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new));
    }
}
