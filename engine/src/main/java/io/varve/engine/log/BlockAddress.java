package io.varve.engine.log;

/**
 * Where a block's bytes are: a segment's logical id and a slot in it, packed in a long. Slots are 32 bytes wide and
 * count from the segment's beginning. (In a framed segment the slots of a record's first bytes name its blocks: {@link
 * SegmentDescriptor}.) An address never changes and is never reused, and later bytes of the log have
 * larger addresses, so that an address also tells the order of birth.
 *
 * <pre>
 *  63 62                                 21 20                0
 * +--+-------------------------------------+-------------------+
 * | 0|             segment id              |        slot       |
 * +--+-------------------------------------+-------------------+
 * </pre>
 *
 * Segment ids begin at 1, so that the values 0, 1 and 2 are free for the states that the block map knows without data.
 */
public final class BlockAddress {
    /** Bytes per slot: every record begins on a slot, and so does every block that is not in a frame. */
    public static final int SLOT_BYTES = 32;

    /** Slots between neighbouring blocks of one record. */
    public static final int BLOCK_SLOTS = 4096 / SLOT_BYTES;

    private static final int SLOT_BITS = 21;

    private BlockAddress() {}

    /** The address of byte {@code offset}, a multiple of {@link #SLOT_BYTES}, of a segment. */
    public static long of(long segmentId, long offset) {
        return segmentId << SLOT_BITS | offset / SLOT_BYTES;
    }

    public static long segmentId(long address) {
        return address >>> SLOT_BITS;
    }

    /** The byte offset in the segment. */
    public static long offset(long address) {
        return (address & ((1L << SLOT_BITS) - 1)) * SLOT_BYTES;
    }
}
