package io.varve.engine.log;

import java.util.Arrays;

/** The blocks of data that a segment was written with, or that were moved with it, in ascending order of addresses. */
public final class SegmentContents {
    private long[] addresses;
    private long[] blocks;
    private int size;

    SegmentContents(int expected) {
        addresses = new long[Math.max(16, expected)];
        blocks = new long[Math.max(16, expected)];
    }

    void add(long address, long volumeBlock) {
        if (size == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * size);
            blocks = Arrays.copyOf(blocks, 2 * size);
        }
        addresses[size] = address;
        blocks[size++] = volumeBlock;
    }

    public int size() {
        return size;
    }

    public long address(int i) {
        return addresses[i];
    }

    /** The block of the volume that was written there. */
    public long block(int i) {
        return blocks[i];
    }
}
