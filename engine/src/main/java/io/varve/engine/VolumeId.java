package io.varve.engine;

import java.util.random.RandomGenerator;

/**
 * Names a volume for ever: 68 random bits, written {@code vol-} and 17 hexadecimal digits. Never reused.
 *
 * @param high the topmost 4 bits, 0 to 15
 * @param low the other 64 bits
 */
public record VolumeId(int high, long low) {
    /** What every volume id begins with. */
    public static final String PREFIX = "vol-";

    public VolumeId {
        HexId.checkHigh(high);
    }

    /** Draws a new id. */
    public static VolumeId random(RandomGenerator random) {
        return new VolumeId(random.nextInt(16), random.nextLong());
    }

    /**
     * Reads the written form.
     *
     * @throws IllegalArgumentException if {@code text} is not {@code vol-} and 17 lower-case hexadecimal digits
     */
    public static VolumeId parse(String text) {
        HexId.check(PREFIX, text);
        return new VolumeId(HexId.high(PREFIX, text), HexId.low(PREFIX, text));
    }

    @Override
    public String toString() {
        return HexId.format(PREFIX, high, low);
    }
}
