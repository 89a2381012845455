package io.varve.api.control;

import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * A change of a volume's size, type, performance or Multi-Attach, in EBS's words. Nothing is moved for it: it holds as
 * soon as the engine has it. The state {@code optimizing}, for which EBS takes up to days, is therefore told as an
 * event only.
 *
 * @param number counts the modifications of one volume, from 1
 * @param endedAt set once it is completed or failed
 * @param reason why it failed; empty else
 */
public record VolumeModification(
        long number,
        State state,
        Shape original,
        Shape target,
        Instant startedAt,
        Optional<Instant> endedAt,
        String reason) {
    /** How far it is. */
    public enum State {
        /** Written down, not done: what a crash leaves so is done by the next start. */
        MODIFYING,
        COMPLETED,
        /** Undone: the volume is what it was. */
        FAILED;

        /** The name in EC2's words. */
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What of a volume a modification changes.
     *
     * @param multiAttach whether several instances may have it at once
     */
    public record Shape(int sizeGiB, VolumeLimits limits, boolean multiAttach) {
        /** That of a volume for one instance. */
        public Shape(int sizeGiB, VolumeLimits limits) {
            this(sizeGiB, limits, false);
        }
    }

    static VolumeModification begun(long number, Shape original, Shape target, Instant now) {
        return new VolumeModification(number, State.MODIFYING, original, target, now, Optional.empty(), "");
    }

    VolumeModification completed(Instant now) {
        return new VolumeModification(number, State.COMPLETED, original, target, startedAt, Optional.of(now), "");
    }

    VolumeModification failed(Instant now, String why) {
        return new VolumeModification(number, State.FAILED, original, target, startedAt, Optional.of(now), why);
    }

    /** True until it is completed or failed. */
    boolean isUnderWay() {
        return endedAt.isEmpty();
    }

    /** In percent: all of it is done at once. */
    public int progress() {
        return state == State.COMPLETED ? 100 : 0;
    }
}
