package io.varve.engine.qos;

import io.varve.engine.QosLimits;
import org.jspecify.annotations.Nullable;

/**
 * Holds a volume to its {@link QosLimits}. It only says when: whoever asks keeps the requests, in their order, and asks
 * again for the first of them when the time has come.
 *
 * <p>On the data path; used by the volume's loop only, without locks and without allocation.
 */
public final class Throttle {
    private static final long LARGEST_REQUEST_BYTES = 1 << 20;

    private @Nullable TokenBucket operations;
    private @Nullable TokenBucket payload;

    public Throttle(QosLimits limits, long nowNanos) {
        update(limits, nowNanos);
    }

    /** Changes the limits from now on. A limit that stays or changes keeps its balance, a new one starts full. */
    public void update(QosLimits limits, long nowNanos) {
        operations = changed(operations, limits.iops(), 1, nowNanos);
        payload = changed(payload, limits.bytesPerSecond(), LARGEST_REQUEST_BYTES, nowNanos);
    }

    /**
     * Admits a request, or says when to ask again.
     *
     * @param ops operations that it counts for
     * @param bytes payload bytes; 0 for a request that carries none, which the limit on bytes does not hold back
     * @return 0 when it is admitted and paid for; else nanoseconds until it can be, and nothing is paid
     */
    public long admit(long nowNanos, long ops, long bytes) {
        TokenBucket operations = this.operations;
        TokenBucket payload = bytes == 0 ? null : this.payload;
        long wait = Math.max(
                operations == null ? 0 : operations.waitNanos(nowNanos),
                payload == null ? 0 : payload.waitNanos(nowNanos));
        if (wait > 0) {
            return wait;
        }
        if (operations != null) {
            operations.take(ops);
        }
        if (payload != null) {
            payload.take(bytes);
        }
        return 0;
    }

    private static @Nullable TokenBucket changed(
            @Nullable TokenBucket bucket, long rate, long largestRequest, long nowNanos) {
        if (rate == 0) {
            return null;
        }
        if (bucket == null) {
            return new TokenBucket(rate, largestRequest, nowNanos);
        }
        bucket.setRate(rate, nowNanos);
        return bucket;
    }
}
