package io.varve.engine.meta;

import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * Cells that were freed but that a generation on disk may still point at. A cell is let go by the second commit after
 * its freeing: the first writes the generation that lacks it, the second overwrites the last one that has it.
 */
final class Quarantine {
    private Batch sinceLastCommit = new Batch();
    private Batch beforeLastCommit = new Batch();

    void add(long cell) {
        sinceLastCommit.add(cell);
    }

    /** Adds a cell that the last commit freed. */
    void addFreedByLastCommit(long cell) {
        beforeLastCommit.add(cell);
    }

    /** Lets go of all cells that no generation on disk has any more. */
    void committed(LongConsumer release) {
        Batch free = beforeLastCommit;
        beforeLastCommit = sinceLastCommit;
        free.drain(release);
        sinceLastCommit = free;
    }

    private static final class Batch {
        private long[] cells = new long[64];
        private int count;

        void add(long cell) {
            if (count == cells.length) {
                cells = Arrays.copyOf(cells, 2 * count);
            }
            cells[count++] = cell;
        }

        void drain(LongConsumer release) {
            for (int i = 0; i < count; i++) {
                release.accept(cells[i]);
            }
            count = 0;
        }
    }
}
