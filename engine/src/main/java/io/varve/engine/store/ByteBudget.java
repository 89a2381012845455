package io.varve.engine.store;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts bytes of all volumes together against a bound; past it volumes are congested. Two things are bounded so: the
 * log bytes that the kernel has and the device has not (so much can be dirty that write-back goes on evenly, and not so
 * much that the kernel would make a loop wait for it), and blocks that are being completed for partial requests. Any
 * thread.
 */
final class ByteBudget {
    private final long limitBytes;
    private final AtomicLong used = new AtomicLong();
    private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();

    ByteBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    void add(long bytes) {
        used.addAndGet(bytes);
    }

    /** Bytes are used no more: wakes those who wait if that made room. */
    void subtract(long bytes) {
        if (bytes != 0 && used.addAndGet(-bytes) < limitBytes) {
            wakeAll();
        }
    }

    long usedBytes() {
        return used.get();
    }

    boolean isExceeded() {
        return used.get() >= limitBytes;
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
