package io.varve.engine;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What an open volume counts about itself since it was opened first in this process. Written on the volume's loop
 * without atomic read-modify-write; read from any thread.
 */
public final class VolumeCounters {
    /** The kinds of request that are counted and timed apart. */
    public enum Operation {
        READ,
        WRITE,
        FLUSH,
        TRIM,
        WRITE_ZEROES
    }

    private static final int KINDS = Operation.values().length;

    private final LatencyHistogram[] latency = new LatencyHistogram[KINDS];
    private final AtomicLong[] bytes = new AtomicLong[KINDS];
    private final AtomicLong[] errors = new AtomicLong[KINDS];

    /** Blocks whose check value did not match what storage returned. */
    public final AtomicLong checksumMismatches = new AtomicLong();

    /** Syncs of the log that were issued for flushes and FUA requests. */
    public final AtomicLong logSyncs = new AtomicLong();

    /** Gathered writes of the log: one per batch. */
    public final AtomicLong logAppends = new AtomicLong();

    /** Bytes appended to the log, headers and padding included. */
    public final AtomicLong logBytes = new AtomicLong();

    /** I/O units that were let in, as the volume's limits count them. */
    public final AtomicLong ioUnits = new AtomicLong();

    /** Nanoseconds in which requests waited because of the volume's limits. */
    public final AtomicLong throttledNanos = new AtomicLong();

    /** Map pages brought in from storage. */
    public final AtomicLong mapPagesRead = new AtomicLong();

    public VolumeCounters() {
        for (int i = 0; i < KINDS; i++) {
            latency[i] = new LatencyHistogram();
            bytes[i] = new AtomicLong();
            errors[i] = new AtomicLong();
        }
    }

    /** Counts one finished request. Loop only. */
    public void record(Operation operation, long requestBytes, long nanos, IoStatus status) {
        int kind = operation.ordinal();
        latency[kind].record(nanos);
        if (status == IoStatus.OK) {
            add(bytes[kind], requestBytes);
        } else {
            add(errors[kind], 1);
        }
    }

    /** Adds to a counter that only the calling thread writes. */
    public static void add(AtomicLong counter, long amount) {
        counter.setOpaque(counter.getPlain() + amount);
    }

    /** Durations from request to completion. */
    public LatencyHistogram latency(Operation operation) {
        return latency[operation.ordinal()];
    }

    /** Bytes of the requests that succeeded. */
    public long bytes(Operation operation) {
        return bytes[operation.ordinal()].getOpaque();
    }

    /** Requests that failed. */
    public long errors(Operation operation) {
        return errors[operation.ordinal()].getOpaque();
    }
}
