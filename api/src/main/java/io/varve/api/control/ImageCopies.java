package io.varve.api.control;

import io.varve.engine.SnapshotId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Images that have disks of their own which read as those of another. Either there is the copy with its snapshots or
 * nothing of both, also if a crash cuts it short. Thread-safe.
 */
public final class ImageCopies {
    private final ControlParts parts;
    private final SnapshotCreation creation;
    private final Images images;

    ImageCopies(ControlParts parts, SnapshotCreation creation, Images images) {
        this.parts = parts;
        this.creation = creation;
        this.images = images;
    }

    /**
     * What somebody wants the copy to be.
     *
     * @param snapshots the label of each snapshot
     * @param description empty for that of the image
     */
    public record Request(Label label, Label snapshots, Optional<String> description, Optional<String> clientToken) {
        private Optional<ClientToken> token(ImageId of) {
            String canonical = "copy of %s: %s %s %s".formatted(of, label, snapshots, description);
            return clientToken.map(text -> new ClientToken(text, canonical));
        }
    }

    /**
     * Copies an image, or finds the copy that the same token made. Neither deprecation nor protection is copied. Fails
     * with IMAGE_NOT_FOUND, IMAGE_UNAVAILABLE, and as {@link Snapshots#copy} and {@link Images#register} do.
     */
    public CompletableFuture<ImageEntry> copy(ImageId of, Request request) {
        Optional<ClientToken> token = request.token(of);
        Optional<ImageEntry> earlier = parts.images().withToken(token);
        if (earlier.isPresent()) {
            return CompletableFuture.completedFuture(earlier.get());
        }
        ImageEntry image = images.usable(of);
        Map<SnapshotId, SnapshotId> places = new LinkedHashMap<>();
        Map<SnapshotId, SnapshotCopyRequest> wanted = new LinkedHashMap<>();
        for (SnapshotId snapshot : image.snapshots()) {
            SnapshotId copy = SnapshotId.random(parts.random());
            places.put(snapshot, copy);
            wanted.put(
                    copy,
                    new SnapshotCopyRequest(snapshot, request.snapshots(), "for a copy of " + of, Optional.empty()));
        }
        return parts.sequencer()
                .run("copies " + places.values(), () -> {
                    creation.beginCopies(wanted);
                    return Set.copyOf(wanted.keySet());
                })
                .thenCompose(own -> images.register(copied(image, places, request), token, own));
    }

    private static Images.Request copied(ImageEntry image, Map<SnapshotId, SnapshotId> places, Request request) {
        return new Images.Request(
                request.label(),
                request.description().orElse(image.description()),
                Optional.of(image.rootDeviceName()),
                image.mappings().stream()
                        .map(mapping -> new Images.Disk(
                                mapping.deviceName(),
                                places.getOrDefault(mapping.snapshot(), mapping.snapshot()),
                                Optional.of(mapping.sizeGiB()),
                                mapping.limits(),
                                mapping.deleteOnTermination()))
                        .toList(),
                false,
                request.clientToken());
    }
}
