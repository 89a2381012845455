package io.varve.engine.map;

import net.openhft.chronicle.core.UnsafeMemory;

/**
 * A map page in memory, unpacked: 512 entries and their check values, at a native address.
 *
 * <pre>
 *  0                          4096                  6144
 * +--------------------------+---------------------+
 * | 512 entries, u64 each    | 512 checks, u32 each|
 * +--------------------------+---------------------+
 * </pre>
 *
 * An entry is {@link #HOLE}, {@link #ZERO}, or an address: of a block on a leaf, of a page above. {@link #CHILD} stands
 * only in memory, for a child page that has no place on disk yet.
 */
public final class Frame {
    /** Entries in a page: each level of the tree takes 9 bits of the block number. */
    public static final int ENTRIES = 512;
    /** Bits of the block number that one level takes. */
    public static final int ENTRY_BITS = 9;
    /** Bytes of a frame. */
    public static final int BYTES = ENTRIES * (Long.BYTES + Integer.BYTES);

    /** Never written, or trimmed: reads as zeroes and takes no space. */
    public static final long HOLE = 0;
    /** Zeroed by WRITE_ZEROES with NO_HOLE: reads as zeroes. */
    public static final long ZERO = 1;
    /** The child is in memory only. */
    public static final long CHILD = 2;

    private static final int CHECKS = ENTRIES * Long.BYTES;

    private Frame() {}

    public static long entry(long frame, int index) {
        return UnsafeMemory.unsafeGetLong(frame + (long) index * Long.BYTES);
    }

    public static int check(long frame, int index) {
        return UnsafeMemory.unsafeGetInt(frame + CHECKS + (long) index * Integer.BYTES);
    }

    public static void set(long frame, int index, long entry, int check) {
        UnsafeMemory.unsafePutLong(frame + (long) index * Long.BYTES, entry);
        UnsafeMemory.unsafePutInt(frame + CHECKS + (long) index * Integer.BYTES, check);
    }

    /** Sets every entry to {@code entry} and every check to 0. */
    public static void fill(long frame, long entry) {
        for (int i = 0; i < ENTRIES; i++) {
            UnsafeMemory.unsafePutLong(frame + (long) i * Long.BYTES, entry);
        }
        UnsafeMemory.INSTANCE.setMemory(frame + CHECKS, (long) ENTRIES * Integer.BYTES, (byte) 0);
    }

    /** How many entries are no hole. */
    static int entries(long frame) {
        int entries = 0;
        for (int i = 0; i < ENTRIES; i++) {
            entries += entry(frame, i) == HOLE ? 0 : 1;
        }
        return entries;
    }

    public static void copy(long from, long to) {
        UnsafeMemory.copyMemory(from, to, BYTES);
    }
}
