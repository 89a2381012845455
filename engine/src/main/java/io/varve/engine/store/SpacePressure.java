package io.varve.engine.store;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;

/**
 * How much volumes may write, all together, before they have to wait for compaction: while files hold much dead space
 * only so much at a time, on a disk that is nearly full nothing. Any thread.
 */
final class SpacePressure {
    private static final long NOTHING = 0;
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
        return roomBytes() == 0;
    }

    /** Bytes that may be written before somebody has to wait. Hot path. */
    long roomBytes() {
        long now = limit;
        if (now == ANYTHING || now == NOTHING) {
            return now;
        }
        return Math.max(0, now - appendedBytes());
    }

    /** Lets volumes write so much from now on. */
    void allow(long bytes) {
        limit = appendedBytes() + bytes;
        wakeAll();
    }

    /** Lets volumes write so much more than before, but twice as much from now on at most. One thread at a time. */
    void allowMore(long bytes) {
        long appended = appendedBytes();
        long before = limit == NOTHING ? appended : limit;
        limit = Math.min(before, appended + bytes) + bytes;
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
