package io.varve.engine.meta;

import net.openhft.chronicle.core.UnsafeMemory;

/**
 * A page of a {@link Table}, in memory as on disk. Little-endian.
 *
 * <pre>
 *    0       4       8      12      16              24              32                         4096
 *   +-------+---+---+-------+-------+---------------+---------------+--------------------- ~ ---+
 *   |crc32c |tab|row|page   |zero   |generation     |zero           |rows                       |
 *   +-------+---+---+-------+-------+---------------+---------------+--------------------- ~ ---+
 *
 *   crc32c      over bytes 4 to 4095
 *   tab         id of the table
 *   row         bytes of a row
 *   page        index of this page in its table: its first row is page * floor(4064 / row)
 *   generation  of the commit that last changed this page
 *   rows        floor(4064 / row) of them, then zeroes; the first byte of a row is its kind, 0 when it is free
 * </pre>
 */
final class TablePageDescriptor {
    static final int PAGE_BYTES = 4096;
    static final int ROWS_OFFSET = 32;
    static final int ROWS_BYTES = PAGE_BYTES - ROWS_OFFSET;

    /** The bytes that the check value covers begin here. */
    static final int CHECKED_OFFSET = 4;

    private static final int CRC_OFFSET = 0;
    private static final int TABLE_OFFSET = 4;
    private static final int ROW_BYTES_OFFSET = 6;
    private static final int PAGE_INDEX_OFFSET = 8;
    private static final int GENERATION_OFFSET = 16;

    private static final UnsafeMemory MEMORY = UnsafeMemory.MEMORY;

    private TablePageDescriptor() {}

    static int crc(long page) {
        return MEMORY.readInt(page + CRC_OFFSET);
    }

    static void crc(long page, int crc) {
        MEMORY.writeInt(page + CRC_OFFSET, crc);
    }

    static int table(long page) {
        return MEMORY.readShort(page + TABLE_OFFSET) & 0xFFFF;
    }

    static void table(long page, int table) {
        MEMORY.writeShort(page + TABLE_OFFSET, (short) table);
    }

    static int rowBytes(long page) {
        return MEMORY.readShort(page + ROW_BYTES_OFFSET) & 0xFFFF;
    }

    static void rowBytes(long page, int rowBytes) {
        MEMORY.writeShort(page + ROW_BYTES_OFFSET, (short) rowBytes);
    }

    static int pageIndex(long page) {
        return MEMORY.readInt(page + PAGE_INDEX_OFFSET);
    }

    static void pageIndex(long page, int pageIndex) {
        MEMORY.writeInt(page + PAGE_INDEX_OFFSET, pageIndex);
    }

    static long generation(long page) {
        return MEMORY.readLong(page + GENERATION_OFFSET);
    }

    static void generation(long page, long generation) {
        MEMORY.writeLong(page + GENERATION_OFFSET, generation);
    }
}
