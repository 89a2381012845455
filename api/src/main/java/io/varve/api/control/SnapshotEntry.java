package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.time.Instant;
import java.util.Optional;

/**
 * What people say about a snapshot. Its size, its volume and whether it exists at all are the engine's.
 *
 * @param phase how far its creation or deletion has come
 * @param label its name and tags
 * @param description free text; empty for none
 * @param clientToken the token that it was created with
 * @param copy what it is a copy of, if it is one
 * @param upload how it comes here, if it is sent block by block
 * @param lock what keeps it from being deleted
 * @param recycled set while it is in the recycle bin
 */
public record SnapshotEntry(
        SnapshotId id,
        Phase phase,
        Label label,
        String description,
        Optional<ClientToken> clientToken,
        Optional<Copy> copy,
        Optional<Upload> upload,
        Optional<SnapshotLock> lock,
        Optional<Recycled> recycled)
        implements StoredEntry<SnapshotId, SnapshotEntry> {
    /**
     * A copy shares all its blocks with what it was made of.
     *
     * @param of the snapshot that was copied; may be deleted since
     * @param volume what that was taken of
     * @param by the hidden volume by which the copy is made: deleted before the copy is ready
     */
    public record Copy(SnapshotId of, VolumeId volume, VolumeId by) {}

    /**
     * A snapshot that a client sends block by block. It is pending until that is over.
     *
     * @param volume the hidden volume that takes the blocks: deleted before the snapshot is ready
     * @param parent the snapshot that it builds on; may be deleted since
     * @param sizeBytes of the volume that it is of
     * @param timeoutMinutes after how long without a block it fails
     * @param startedAt when it was begun
     * @param progressPercent how far the client says that it is
     * @param failure why it can no longer come about; empty if it can, or has
     */
    public record Upload(
            VolumeId volume,
            Optional<SnapshotId> parent,
            long sizeBytes,
            int timeoutMinutes,
            Instant startedAt,
            int progressPercent,
            Optional<String> failure) {
        Upload progressed(int percent) {
            return new Upload(volume, parent, sizeBytes, timeoutMinutes, startedAt, percent, failure);
        }

        Upload failed(String why) {
            return new Upload(volume, parent, sizeBytes, timeoutMinutes, startedAt, progressPercent, Optional.of(why));
        }
    }

    /** A snapshot that is about to be taken. */
    static SnapshotEntry begun(SnapshotId id, Label label, String description, Optional<ClientToken> clientToken) {
        return new SnapshotEntry(
                id,
                Phase.CREATING,
                label,
                description,
                clientToken,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    @Override
    public String state() {
        return switch (phase) {
            case CREATING -> hasFailed() ? "error" : "pending";
            case PROVISIONAL -> "pending";
            case READY -> "completed";
            case RECYCLED -> "recoverable";
            case DELETING -> "deleting";
        };
    }

    @Override
    public SnapshotEntry with(Phase newPhase) {
        return new SnapshotEntry(id, newPhase, label, description, clientToken, copy, upload, lock, recycled);
    }

    SnapshotEntry with(Label newLabel, String newDescription) {
        return new SnapshotEntry(id, phase, newLabel, newDescription, clientToken, copy, upload, lock, recycled);
    }

    SnapshotEntry with(Copy newCopy) {
        return new SnapshotEntry(
                id, phase, label, description, clientToken, Optional.of(newCopy), upload, lock, recycled);
    }

    SnapshotEntry with(Upload newUpload) {
        return new SnapshotEntry(
                id, phase, label, description, clientToken, copy, Optional.of(newUpload), lock, recycled);
    }

    /** The upload that it is waiting for, or that has failed. */
    Optional<Upload> unfinished() {
        return phase == Phase.CREATING ? upload : Optional.empty();
    }

    private boolean hasFailed() {
        return upload.flatMap(Upload::failure).isPresent();
    }

    SnapshotEntry locked(Optional<SnapshotLock> newLock) {
        return new SnapshotEntry(id, phase, label, description, clientToken, copy, upload, newLock, recycled);
    }

    @Override
    public SnapshotEntry recycled(Optional<Recycled> newRecycled) {
        Phase newPhase = newRecycled.isPresent() ? Phase.RECYCLED : Phase.READY;
        Optional<ClientToken> token = newRecycled.isPresent() ? Optional.empty() : clientToken;
        return new SnapshotEntry(id, newPhase, label, description, token, copy, upload, lock, newRecycled);
    }
}
