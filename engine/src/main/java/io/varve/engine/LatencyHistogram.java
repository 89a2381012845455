package io.varve.engine;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts of durations in buckets whose upper bounds double from 1 µs: bucket 0 holds up to 1 µs, bucket 1 up to 2 µs, …
 * the last one all above. Written by one thread (the volume's loop), read by any; a reader may be a few counts behind.
 */
public final class LatencyHistogram {
    /** Number of buckets; the last bound is 2^24 µs, about 17 s, and beyond. */
    public static final int BUCKETS = 26;

    private final AtomicLongArray counts = new AtomicLongArray(BUCKETS);
    private final AtomicLongArray sum = new AtomicLongArray(1);

    /** Counts one duration. Loop only. */
    public void record(long nanos) {
        long micros = Math.max(0, nanos - 1) / 1_000;
        int bucket = Math.min(BUCKETS - 1, 64 - Long.numberOfLeadingZeros(micros));
        counts.setOpaque(bucket, counts.getPlain(bucket) + 1);
        sum.setOpaque(0, sum.getPlain(0) + nanos);
    }

    /** The upper bound of a bucket in nanoseconds; {@link Long#MAX_VALUE} for the last. */
    public static long upperBoundNanos(int bucket) {
        return bucket == BUCKETS - 1 ? Long.MAX_VALUE : 1_000L << bucket;
    }

    /** How many durations fell in {@code bucket}. */
    public long count(int bucket) {
        return counts.getOpaque(bucket);
    }

    /** How many durations were counted in all. */
    public long totalCount() {
        long total = 0;
        for (int i = 0; i < BUCKETS; i++) {
            total += count(i);
        }
        return total;
    }

    /** The sum of all durations in nanoseconds. */
    public long sumNanos() {
        return sum.getOpaque(0);
    }
}
