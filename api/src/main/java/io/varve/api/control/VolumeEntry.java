package io.varve.api.control;

import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What people say about a volume. Its size, its origin and whether it exists at all are the engine's.
 *
 * @param phase how far its creation or deletion has come
 * @param label its name and tags
 * @param limits how fast it may go
 * @param share what it gets while the store as a whole is short
 * @param multiAttach whether several instances may have it at once
 * @param growingToBytes the size that a change under way gives it; 0 if there is none
 * @param clientToken the token that it was created with
 * @param copy what it is a copy of, if it is one
 * @param recycled set while it is in the recycle bin
 * @param modifications what was changed of its size and performance, oldest first; only the newest are kept
 */
public record VolumeEntry(
        VolumeId id,
        Phase phase,
        Label label,
        VolumeLimits limits,
        QosShare share,
        boolean multiAttach,
        long growingToBytes,
        Optional<ClientToken> clientToken,
        Optional<Copy> copy,
        Optional<Recycled> recycled,
        List<VolumeModification> modifications)
        implements StoredEntry<VolumeId, VolumeEntry> {
    /**
     * A copy shares all its blocks with what it was made of.
     *
     * @param of the volume that was copied; may be deleted since
     * @param by the hidden snapshot by which the copy is made: deleted before the copy is ready
     */
    public record Copy(VolumeId of, SnapshotId by) {}

    /** A volume with no more to it than this. */
    static VolumeEntry begun(
            VolumeId id, Phase phase, Label label, VolumeLimits limits, Optional<ClientToken> clientToken) {
        return new VolumeEntry(
                id,
                phase,
                label,
                limits,
                QosShare.EVEN,
                false,
                0,
                clientToken,
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    @Override
    public String state() {
        return switch (phase) {
            case CREATING, PROVISIONAL -> "creating";
            case READY -> "available";
            case RECYCLED -> "recoverable";
            case DELETING -> "deleting";
        };
    }

    @Override
    public VolumeEntry with(Phase newPhase) {
        return new VolumeEntry(
                id,
                newPhase,
                label,
                limits,
                share,
                multiAttach,
                growingToBytes,
                clientToken,
                copy,
                recycled,
                modifications);
    }

    VolumeEntry with(Label newLabel, VolumeLimits newLimits, long newGrowingToBytes) {
        return new VolumeEntry(
                id,
                phase,
                newLabel,
                newLimits,
                share,
                multiAttach,
                newGrowingToBytes,
                clientToken,
                copy,
                recycled,
                modifications);
    }

    VolumeEntry with(Copy newCopy) {
        return new VolumeEntry(
                id,
                phase,
                label,
                limits,
                share,
                multiAttach,
                growingToBytes,
                clientToken,
                Optional.of(newCopy),
                recycled,
                modifications);
    }

    VolumeEntry with(QosShare newShare) {
        return new VolumeEntry(
                id,
                phase,
                label,
                limits,
                newShare,
                multiAttach,
                growingToBytes,
                clientToken,
                copy,
                recycled,
                modifications);
    }

    /** With several instances allowed, or not. */
    VolumeEntry sharedByInstances(boolean newMultiAttach) {
        return new VolumeEntry(
                id,
                phase,
                label,
                limits,
                share,
                newMultiAttach,
                growingToBytes,
                clientToken,
                copy,
                recycled,
                modifications);
    }

    VolumeEntry grown() {
        return with(label, limits, 0);
    }

    /** The newest modification. */
    public Optional<VolumeModification> modification() {
        return modifications.isEmpty() ? Optional.empty() : Optional.of(modifications.get(modifications.size() - 1));
    }

    /** With a modification more, or with how that went on. */
    VolumeEntry with(VolumeModification modification) {
        List<VolumeModification> all = new ArrayList<>(modifications);
        all.removeIf(other -> other.number() == modification.number());
        all.add(modification);
        return modified(all.subList(Math.max(0, all.size() - VolumeModifications.KEPT), all.size()));
    }

    private VolumeEntry modified(List<VolumeModification> newModifications) {
        return new VolumeEntry(
                id,
                phase,
                label,
                limits,
                share,
                multiAttach,
                growingToBytes,
                clientToken,
                copy,
                recycled,
                List.copyOf(newModifications));
    }

    /** What was begun by a life that ended is done: see {@link Recovery}. */
    VolumeEntry completed(Instant now) {
        return modification()
                .filter(VolumeModification::isUnderWay)
                .map(begun -> with(begun.completed(now)))
                .orElse(this);
    }

    @Override
    public VolumeEntry recycled(Optional<Recycled> newRecycled) {
        Phase newPhase = newRecycled.isPresent() ? Phase.RECYCLED : Phase.READY;
        Optional<ClientToken> token = newRecycled.isPresent() ? Optional.empty() : clientToken;
        return new VolumeEntry(
                id,
                newPhase,
                label,
                limits,
                share,
                multiAttach,
                growingToBytes,
                token,
                copy,
                newRecycled,
                modifications);
    }
}
