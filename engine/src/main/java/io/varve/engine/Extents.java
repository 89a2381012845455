package io.varve.engine;

import java.util.Arrays;

/**
 * Neighbouring ranges of a volume, in order, each with a value: what stands there, or what became of it. Neighbours
 * with the same value are one extent. A list that is used again and again; not thread-safe.
 */
public final class Extents {
    /** The range holds data. */
    public static final int DATA = 0;
    /** The range was never written or was trimmed: it reads as zeroes and takes no space. */
    public static final int HOLE = 1;
    /** The range was zeroed and is not to be told as a hole: it reads as zeroes. */
    public static final int ZERO = 2;

    private static final int FIRST_CAPACITY = 8;
    private static final long[] NO_LENGTHS = {};
    private static final int[] NO_VALUES = {};

    private long[] lengths = NO_LENGTHS;
    private int[] values = NO_VALUES;
    private int size;
    private long totalBytes;

    /** Forgets all extents. */
    public void clear() {
        size = 0;
        totalBytes = 0;
    }

    /** Adds a range behind the last one. */
    public void add(long lengthBytes, int value) {
        totalBytes += lengthBytes;
        if (continues(value)) {
            lengths[size - 1] += lengthBytes;
            return;
        }
        if (size == lengths.length) {
            int capacity = Math.max(FIRST_CAPACITY, size + size / 2);
            lengths = Arrays.copyOf(lengths, capacity);
            values = Arrays.copyOf(values, capacity);
        }
        lengths[size] = lengthBytes;
        values[size++] = value;
    }

    /** True if a range with this value would only lengthen the last extent. */
    public boolean continues(int value) {
        return size > 0 && values[size - 1] == value;
    }

    /** How many extents there are. */
    public int size() {
        return size;
    }

    public long lengthBytes(int index) {
        return lengths[index];
    }

    public int value(int index) {
        return values[index];
    }

    /** The length of all extents together, in bytes. */
    public long totalBytes() {
        return totalBytes;
    }
}
