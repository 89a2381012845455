package io.varve.system;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

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
     * How many changes made together begin with {@code first}, if no more follow than up to {@code last}: writes up to
     * the next trim, or that trim. A request that waits for room in the log lets others of other blocks go ahead.
     */
    static int together(long first, long last) {
        int count = 1;
        while (first + count <= last && !change(first + count).trim && !change(first).trim) {
            count++;
        }
        return count;
    }

    /**
     * How many changes make the disk what it shows: the fewest, from {@code least} on. Of those last made together it
     * may show any, since none of them was answered, but each of them whole.
     *
     * @param batch after so many changes, and as many again, all of them were waited for
     * @throws AssertionError if no number of them up to {@code most} does
     */
    static long seen(long[] shown, long least, long most, int batch) {
        long[] disk = new long[BLOCKS];
        for (long done = 0; done <= most; ) {
            int count = together(done + 1, Math.min(most, done / batch * batch + batch));
            List<LoggedHistory> applied = LongStream.rangeClosed(done + 1, Math.min(most, done + count))
                    .filter(number -> Arrays.stream(shown).anyMatch(value -> value == number))
                    .mapToObj(LoggedHistory::change)
                    .toList();
            if (done >= least && Arrays.equals(with(disk, applied), shown)) {
                return done + applied.size();
            }
            for (int i = 0; i < count; i++) {
                done++;
                disk = with(disk, List.of(change(done)));
            }
        }
        throw new AssertionError("the disk is not what the first n changes make, for any n from " + least + " to "
                + most + "; the last that it shows is "
                + Arrays.stream(shown).max().orElseThrow());
    }

    private static long[] with(long[] disk, List<LoggedHistory> changes) {
        long[] changed = disk.clone();
        for (LoggedHistory change : changes) {
            Arrays.fill(changed, change.first, change.first + change.count, change.trim ? 0 : change.number);
        }
        return changed;
    }
}
