package io.varve.engine;

import java.util.Arrays;

/**
 * How much memory each consumer may have (law 10), from one figure: the bytes that the server takes outside of the
 * heap. The JVM's limit of direct memory has to be an eighth above it, because buffers come in chunks. Immutable.
 */
public final class MemoryBudget {
    /** What there is if nothing else is said: 512 MiB. */
    public static final MemoryBudget DEFAULT = of(512L << 20);

    /** With less, some consumer could not work. */
    public static final long LEAST_BYTES = 128L << 20;

    private static final long MOST_HEAP_BYTES = 32L << 20;

    private static final int PARTS = 64;

    private final long[] shares;

    private MemoryBudget(long[] shares) {
        this.shares = shares;
    }

    /**
     * The shares of {@code bytes}.
     *
     * @throws IllegalArgumentException if that is less than {@link #LEAST_BYTES}
     */
    public static MemoryBudget of(long bytes) {
        if (bytes < LEAST_BYTES) {
            throw new IllegalArgumentException("a memory of " + bytes + " bytes is less than " + LEAST_BYTES);
        }
        long[] shares = new long[MemoryUse.values().length];
        for (MemoryUse use : MemoryUse.values()) {
            shares[use.ordinal()] = bytes / PARTS * use.parts();
        }
        MemoryBudget budget = new MemoryBudget(shares);
        // The heap stays as it is.
        return budget.with(
                MemoryUse.UNPACKED_FRAMES, Math.min(MOST_HEAP_BYTES, budget.bytes(MemoryUse.UNPACKED_FRAMES)));
    }

    /** The same with another share for one consumer. */
    public MemoryBudget with(MemoryUse use, long bytes) {
        long[] changed = shares.clone();
        changed[use.ordinal()] = bytes;
        return new MemoryBudget(changed);
    }

    /** What {@code use} may have. */
    public long bytes(MemoryUse use) {
        return shares[use.ordinal()];
    }

    /** What all consumers outside of the heap may have together. */
    public long offHeapBytes() {
        return Arrays.stream(MemoryUse.values())
                .filter(MemoryUse::isOffHeap)
                .mapToLong(this::bytes)
                .sum();
    }
}
