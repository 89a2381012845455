package io.varve.engine.store;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads that the disk's threads have in hand, and those who wait until all that were so at one instant have ended. Loop
 * only.
 */
final class ReadsInFlight {
    private long begun;
    private long open;
    private final List<Waiter> waiters = new ArrayList<>();

    /** Waits for {@code left} reads with smaller numbers than {@code before}. */
    private static final class Waiter {
        final long before;
        final Runnable task;
        long left;

        Waiter(long before, long left, Runnable task) {
            this.before = before;
            this.left = left;
            this.task = task;
        }
    }

    /** The number of the read that {@link #begin} begins next. */
    long next() {
        return begun;
    }

    void begin() {
        begun++;
        open++;
    }

    void end(long number) {
        open--;
        for (int i = waiters.size() - 1; i >= 0; i--) {
            Waiter waiter = waiters.get(i);
            if (number < waiter.before && --waiter.left == 0) {
                waiters.remove(i);
                waiter.task.run();
            }
        }
    }

    /** Runs {@code task} when the reads that are in flight now have ended; at once if there are none. */
    void whenThoseOfNowEnd(Runnable task) {
        if (open == 0) {
            task.run();
        } else {
            waiters.add(new Waiter(begun, open, task));
        }
    }
}
