package io.varve.engine.meta;

/**
 * A row of the slab table: 64 KiB of the file {@code map}, cut into cells of one size. Row n is the slab at n × 64 KiB.
 *
 * <pre>
 *    0    1               8                                       40              48
 *   +----+---------------+---------------------------------------+---------------+
 *   |kind|zero           |allocated cells, 256 bits              |zero           |
 *   +----+---------------+---------------------------------------+---------------+
 *
 *   kind       1 to 6: cells of 1, 2, 4, 9, 16 or 26 units of 256 bytes; 0: nothing is allocated, it may take any size
 *   allocated  bit n (of little-endian u64 n / 64, bit n % 64) is set when cell n, at n × cell size, is in use
 * </pre>
 */
final class SlabDescriptor {
    static final int ROW_BYTES = 48;
    static final int BITMAP_OFFSET = 8;
    static final int BITMAP_WORDS = 4;

    static final int UNITS_PER_SLAB = 256;
    static final int SLAB_BYTES = UNITS_PER_SLAB * PagePointer.UNIT_BYTES;

    static final int MAX_KIND = 6;

    private static final int[] CELL_UNITS = {0, 1, 2, 4, 9, 16, PagePointer.MAX_UNITS};
    private static final byte[] KIND_OF_LENGTH = kindsOfLengths();

    private SlabDescriptor() {}

    static int cellUnits(int kind) {
        return CELL_UNITS[kind];
    }

    static int cellBytes(int kind) {
        return CELL_UNITS[kind] * PagePointer.UNIT_BYTES;
    }

    static int cells(int kind) {
        return UNITS_PER_SLAB / CELL_UNITS[kind];
    }

    /** The kind of the smallest cells that hold {@code lengthUnits}. */
    static byte kindFor(int lengthUnits) {
        return KIND_OF_LENGTH[lengthUnits];
    }

    static int wordOffset(int cell) {
        return BITMAP_OFFSET + cell / Long.SIZE * Long.BYTES;
    }

    private static byte[] kindsOfLengths() {
        byte[] kinds = new byte[PagePointer.MAX_UNITS + 1];
        byte kind = 1;
        for (int length = 1; length <= PagePointer.MAX_UNITS; length++) {
            if (length > CELL_UNITS[kind]) {
                kind++;
            }
            kinds[length] = kind;
        }
        return kinds;
    }
}
