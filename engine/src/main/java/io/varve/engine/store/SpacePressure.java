package io.varve.engine.store;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;

/**
 * How much volumes may write, all together, before they have to wait for compaction: while files hold much dead space
 * only so much at a time, on a disk that is nearly full nothing. Any thread.
 */
final class SpacePressure {
    private static final long NOTHING = Long.MIN_VALUE;
    private static final long ANYTHING = Long.MAX_VALUE;

    private final LongSupplier appendedBytes;
    private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private volatile long limit = ANYTHING;

    /** @param appendedBytes of all logs since the store was opened */
    SpacePressure(LongSupplier appendedBytes) {
        this.appendedBytes = appendedBytes;
    }

    /** What was appended to all logs so far. */
    long appendedBytes() {
        return appendedBytes.getAsLong();
    }

    /** True if whoever wants to write has to wait. */
    boolean isHigh() {
        long now = limit;
        return now == NOTHING || (now != ANYTHING && appendedBytes() >= now);
    }

    /** Lets volumes write until so much has been appended. */
    void allowUntil(long bytes) {
        limit = Math.min(Math.max(bytes, NOTHING + 1), ANYTHING - 1);
        wakeAll();
    }

    void allowNothing() {
        limit = NOTHING;
    }

    void allowAll() {
        limit = ANYTHING;
        wakeAll();
    }

    /** Runs {@code task}, on whatever thread, when more may be written; it has to look again. */
    void whenLower(Runnable task) {
        waiting.add(task);
        if (!isHigh()) {
            wakeAll();
        }
    }

    /** Those who ask to be called again meanwhile wait for the next time. */
    private void wakeAll() {
        for (int left = waiting.size(); left > 0; left--) {
            Runnable task = waiting.poll();
            if (task != null) {
                task.run();
            }
        }
    }
}
