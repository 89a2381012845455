package io.varve.engine.meta;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;

/**
 * The pages of all tables of a store, in the order of their allocation, which is the order in which they lie in the
 * superblock's files. They stand outside the heap in the form that goes to disk. Not thread-safe.
 */
final class TablePages {
    private static final int PAGE_BYTES = TablePageDescriptor.PAGE_BYTES;
    private static final UnsafeMemory MEMORY = UnsafeMemory.MEMORY;

    private final BitSet changed = new BitSet();
    private final ByteBuffer scratch = ByteBuffer.allocateDirect(PAGE_BYTES);
    private final long scratchAddress = Jvm.address(scratch);
    private final CRC32C crc = new CRC32C();
    private final byte[] crcBytes = new byte[Integer.BYTES];
    /** What {@link #addresses} point into. */
    private final List<ByteBuffer> memory = new ArrayList<>();

    private long[] addresses = new long[16];
    private int count;
    private boolean readOnly;

    /** Refuses every later change. */
    void freeze() {
        readOnly = true;
    }

    int count() {
        return count;
    }

    long address(int page) {
        return addresses[page];
    }

    /** Appends a page of zeroes and answers its place in the order. */
    int append() {
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * count);
        }
        ByteBuffer page = ByteBuffer.allocateDirect(PAGE_BYTES);
        memory.add(page);
        addresses[count] = Jvm.address(page);
        return count++;
    }

    /** Notes that {@code page} differs from what was last committed. */
    void change(int page) {
        if (readOnly) {
            throw new IllegalStateException("the tables of an earlier generation are read-only");
        }
        changed.set(page);
    }

    /** The pages changed since {@link #seal}. */
    BitSet changed() {
        return changed;
    }

    /** Stamps all changed pages with the generation that changed them, and with their check values. */
    void seal(long generation) {
        for (int page = changed.nextSetBit(0); page >= 0; page = changed.nextSetBit(page + 1)) {
            TablePageDescriptor.generation(addresses[page], generation);
            TablePageDescriptor.crc(addresses[page], computeCrc(page));
        }
        changed.clear();
    }

    int computeCrc(int page) {
        MEMORY.copyMemory(addresses[page], scratchAddress, (long) PAGE_BYTES);
        crc.reset();
        crc.update(scratch.limit(PAGE_BYTES).position(TablePageDescriptor.CHECKED_OFFSET));
        return (int) crc.getValue();
    }

    /** CRC32C over the check values of all pages in order: a mixture of two generations does not have it. */
    int checkOfAll() {
        crc.reset();
        for (int page = 0; page < count; page++) {
            int value = TablePageDescriptor.crc(addresses[page]);
            crcBytes[0] = (byte) value;
            crcBytes[1] = (byte) (value >>> 8);
            crcBytes[2] = (byte) (value >>> 16);
            crcBytes[3] = (byte) (value >>> 24);
            crc.update(crcBytes, 0, crcBytes.length);
        }
        return (int) crc.getValue();
    }

    /** True if page {@code page} is the same in {@code other}. */
    boolean isSame(int page, TablePages other) {
        long ours = addresses[page];
        long theirs = other.addresses[page];
        return TablePageDescriptor.crc(ours) == TablePageDescriptor.crc(theirs)
                && TablePageDescriptor.generation(ours) == TablePageDescriptor.generation(theirs);
    }

    void close() {
        memory.clear();
        count = 0;
    }
}
