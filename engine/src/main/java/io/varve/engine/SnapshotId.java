package io.varve.engine;

import java.util.random.RandomGenerator;

/**
 * Names a snapshot for ever: 68 random bits, written {@code snap-} and 17 hexadecimal digits. Never reused.
 *
 * @param high the topmost 4 bits, 0 to 15
 * @param low the other 64 bits
 */
public record SnapshotId(int high, long low) {
    /** What every snapshot id begins with. */
    public static final String PREFIX = "snap-";

    public SnapshotId {
        HexId.checkHigh(high);
    }

    /** Draws a new id. */
    public static SnapshotId random(RandomGenerator random) {
        return new SnapshotId(random.nextInt(16), random.nextLong());
    }

    /**
     * Reads the written form.
     *
     * @throws IllegalArgumentException if {@code text} is not {@code snap-} and 17 lower-case hexadecimal digits
     */
    public static SnapshotId parse(String text) {
        HexId.check(PREFIX, text);
        return new SnapshotId(HexId.high(PREFIX, text), HexId.low(PREFIX, text));
    }

    @Override
    public String toString() {
        return HexId.format(PREFIX, high, low);
    }
}
