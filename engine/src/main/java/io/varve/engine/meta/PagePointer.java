package io.varve.engine.meta;

/**
 * Where a packed map page lies in the file {@code map}: a number that is never 0 or 1.
 *
 * <pre>
 *   63                                             8 7            0
 *  +------------------------------------------------+--------------+
 *  | unit at which it begins, never 0               | units, 1..26 |
 *  +------------------------------------------------+--------------+
 * </pre>
 */
public final class PagePointer {
    public static final int UNIT_BYTES = 256;

    /** The longest page: 6656 bytes. */
    public static final int MAX_UNITS = 26;

    private static final int LENGTH_BITS = 8;
    private static final long LENGTH_MASK = (1 << LENGTH_BITS) - 1;

    private PagePointer() {}

    public static long of(long unitOffset, int lengthUnits) {
        return unitOffset << LENGTH_BITS | lengthUnits;
    }

    /** True if {@code pointer} has the shape of one; says nothing about what is there. */
    public static boolean isPointer(long pointer) {
        int units = lengthUnits(pointer);
        return pointer >>> LENGTH_BITS != 0 && pointer > 0 && units >= 1 && units <= MAX_UNITS;
    }

    public static long unitOffset(long pointer) {
        return pointer >>> LENGTH_BITS;
    }

    public static int lengthUnits(long pointer) {
        return (int) (pointer & LENGTH_MASK);
    }

    /** Position in the file. */
    public static long positionBytes(long pointer) {
        return unitOffset(pointer) * UNIT_BYTES;
    }

    public static int lengthBytes(long pointer) {
        return lengthUnits(pointer) * UNIT_BYTES;
    }

    /** Units that {@code bytes} take. */
    public static int unitsFor(int bytes) {
        return (bytes + UNIT_BYTES - 1) / UNIT_BYTES;
    }
}
