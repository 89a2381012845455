package io.varve.system;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Changes of a small disk that follow from their numbers, from 1 on: writes of some blocks, now and then a trim. So
 * that whoever finds the disk can tell which changes it has seen.
 *
 * @param number of the change
 * @param first the first block
 * @param count of blocks
 * @param trim true if the blocks become holes
 */
record LoggedHistory(long number, int first, int count, boolean trim) {
    static final int BLOCK_BYTES = 4096;
    static final int BLOCKS = 1024;
    static final int DISK_BYTES = BLOCKS * BLOCK_BYTES;

    private static final int MOST_BLOCKS = 16;
    private static final int TRIMS = 8;

    /** The change of that number. */
    static LoggedHistory change(long number) {
        SplittableRandom random = new SplittableRandom(number);
        int count = 1 + random.nextInt(MOST_BLOCKS);
        return new LoggedHistory(number, random.nextInt(BLOCKS - count + 1), count, random.nextInt(TRIMS) == 0);
    }

    long offset() {
        return (long) first * BLOCK_BYTES;
    }

    int bytes() {
        return count * BLOCK_BYTES;
    }

    /** What a write writes. Blocks of odd writes do not compress. */
    ByteBuffer content() {
        ByteBuffer content = ByteBuffer.allocateDirect(bytes());
        for (int block = 0; block < count; block++) {
            block(content, number);
        }
        return content.flip();
    }

    private static void block(ByteBuffer into, long number) {
        SplittableRandom random = new SplittableRandom(number);
        into.putLong(number);
        for (int word = 1; word < BLOCK_BYTES / Long.BYTES; word++) {
            into.putLong(number % 2 == 0 ? number : random.nextLong());
        }
    }

    /**
     * The number of the change that each block of the disk shows, 0 for none; throws if a block shows nothing whole.
     */
    static long[] shown(ByteBuffer disk) {
        long[] shown = new long[BLOCKS];
        ByteBuffer due = ByteBuffer.allocate(BLOCK_BYTES);
        for (int block = 0; block < BLOCKS; block++) {
            ByteBuffer found = disk.slice(block * BLOCK_BYTES, BLOCK_BYTES);
            shown[block] = found.getLong(0);
            due.clear();
            if (shown[block] != 0) {
                block(due, shown[block]);
            } else {
                due.put(new byte[BLOCK_BYTES]);
            }
            if (!found.equals(due.flip())) {
                throw new AssertionError("block " + block + " is not what any change wrote");
            }
        }
        return shown;
    }

    /**
     * How many changes make the disk what it shows: the fewest, from {@code least} on.
     *
     * @throws AssertionError if no number of them up to {@code most} does
     */
    static long seen(long[] shown, long least, long most) {
        long[] disk = new long[BLOCKS];
        for (long number = 1; number <= most; number++) {
            if (number > least && Arrays.equals(disk, shown)) {
                return number - 1;
            }
            LoggedHistory change = change(number);
            Arrays.fill(disk, change.first, change.first + change.count, change.trim ? 0 : number);
        }
        if (Arrays.equals(disk, shown)) {
            return most;
        }
        throw new AssertionError("the disk is not what the first n changes make, for any n from " + least + " to "
                + most + "; the last that it shows is "
                + Arrays.stream(shown).max().orElseThrow());
    }
}
