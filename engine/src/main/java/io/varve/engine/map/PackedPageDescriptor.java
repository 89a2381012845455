package io.varve.engine.map;

/**
 * A page of the block map as it is on disk. Little-endian.
 *
 * <pre>
 *    0       2   3   4       6       8              12              16              24              32
 *   +-------+---+---+-------+-------+---------------+---------------+---------------+---------------+
 *   |"VM"   |lev|enc|entries|runs   |length         |zero           |first block    |birth          |
 *   +-------+---+---+-------+-------+---------------+---------------+---------------+---------------+
 *
 *   lev          level: 0 for a leaf, to 3
 *   enc          1 SPARSE, 2 RUNS
 *   entries      entries that are not holes
 *   runs         RUNS: how many; SPARSE: 0
 *   length       bytes of the packed page, this header included
 *   first block  index of the first block that the page covers
 *   birth        generation that wrote the page
 *
 *   SPARSE   +-------------------------+--------------------------+--------------------------------+
 *            |512 bits: not a hole     |these entries, u64 each   |checks of all but zeroes, u32   |
 *            +-------------------------+--------------------------+--------------------------------+
 *
 *   RUNS     +-------------------------+-------------+--------------------------------+
 *            |run: first u16, count u16, entry u64   |... |checks of all but zeroes, u32  |
 *            +---------------------------------------+----+-------------------------------+
 *
 *            Runs rise and do not overlap. The entries of a run grow by 128, the slots of one block, or by 1, which is
 *            how the blocks of a frame follow each other: then the count has bit 15 set. Those of a run of zeroes
 *            stay 1.
 * </pre>
 *
 * The page's own check value stands where the pointer to it is.
 */
final class PackedPageDescriptor {
    static final int HEADER_BYTES = 32;

    /** 'V', 'M'. */
    static final short MAGIC = 0x4D56;

    static final byte SPARSE = 1;
    static final byte RUNS = 2;

    static final int MAGIC_OFFSET = 0;
    static final int LEVEL_OFFSET = 2;
    static final int ENCODING_OFFSET = 3;
    static final int ENTRY_COUNT_OFFSET = 4;
    static final int RUN_COUNT_OFFSET = 6;
    static final int LENGTH_OFFSET = 8;
    static final int FIRST_BLOCK_OFFSET = 16;
    static final int BIRTH_OFFSET = 24;

    static final int BITMAP_BYTES = Frame.ENTRIES / Byte.SIZE;

    static final int RUN_BYTES = 12;
    static final int RUN_FIRST_OFFSET = 0;
    static final int RUN_LENGTH_OFFSET = 2;
    static final int RUN_ENTRY_OFFSET = 4;

    /** What neighbouring blocks of one record differ by: 4096 bytes in slots of 32. */
    static final int DATA_STRIDE = 128;

    /** What neighbouring blocks of one frame differ by. */
    static final int FRAME_STRIDE = 1;

    /** In a run's count: its entries grow by {@link #FRAME_STRIDE}. */
    static final int FRAME_RUN = 0x8000;

    private PackedPageDescriptor() {}

    static int sparseBytes(int entries, int checks) {
        return HEADER_BYTES + BITMAP_BYTES + entries * Long.BYTES + checks * Integer.BYTES;
    }

    static int runsBytes(int runs, int checks) {
        return HEADER_BYTES + runs * RUN_BYTES + checks * Integer.BYTES;
    }
}
