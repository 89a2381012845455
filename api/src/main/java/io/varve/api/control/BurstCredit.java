package io.varve.api.control;

import io.varve.engine.QosLimits.Burst;
import io.varve.engine.VolumeId;
import java.time.Duration;
import java.time.Instant;

/**
 * What a volume had saved for bursts at some time.
 *
 * @param volumeType the type that it had: another type's credits are something else
 */
record BurstCredit(VolumeId id, String volumeType, long credits, Instant savedAt) {
    /**
     * What it has now: time that passed counts, but no more of it than fills the bucket, and none that went backwards.
     */
    long at(Instant now, Burst burst) {
        long most = (burst.capacity() - Math.min(credits, burst.capacity())) / burst.perSecond() + 1;
        long seconds = Math.max(0, Math.min(most, Duration.between(savedAt, now).toSeconds()));
        return Math.min(burst.capacity(), credits + seconds * burst.perSecond());
    }
}
