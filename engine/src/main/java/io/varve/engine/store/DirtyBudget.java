package io.varve.engine.store;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds the log bytes, over all volumes, that the kernel has and the device has not: so much can be dirty that
 * write-back goes on evenly, and not so much that the kernel would make a loop wait for it. Any thread.
 */
final class DirtyBudget {
    private final long limitBytes;
    private final AtomicLong dirty = new AtomicLong();
    private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();

    DirtyBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    void add(long bytes) {
        dirty.addAndGet(bytes);
    }

    /** Bytes became clean: wakes those who wait if that made room. */
    void subtract(long bytes) {
        if (bytes != 0 && dirty.addAndGet(-bytes) < limitBytes) {
            wakeAll();
        }
    }

    boolean isExceeded() {
        return dirty.get() >= limitBytes;
    }

    /** Runs {@code task}, on whatever thread, when there is room. */
    void whenRoom(Runnable task) {
        waiting.add(task);
        if (!isExceeded()) {
            wakeAll();
        }
    }

    private void wakeAll() {
        for (Runnable task = waiting.poll(); task != null; task = waiting.poll()) {
            task.run();
        }
    }
}
