package io.varve.nbd;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bytes that all connections together have at work. Each connection publishes the change of its own share once per
 * turn, so that requests cost no atomic operation. Thread-safe.
 */
final class InFlightBudget {
    private final long limitBytes;
    private final AtomicLong usedBytes = new AtomicLong();
    private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();

    InFlightBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    boolean exhausted() {
        return usedBytes.get() >= limitBytes;
    }

    long usedBytes() {
        return usedBytes.get();
    }

    /** Changes what the caller uses. */
    void publish(long deltaBytes) {
        long used = usedBytes.addAndGet(deltaBytes);
        if (deltaBytes < 0 && used < limitBytes) {
            wake();
        }
    }

    /** Runs {@code task} once, on any thread, when there is room: it hops to its own. */
    void whenAvailable(Runnable task) {
        waiting.add(task);
        if (!exhausted()) {
            wake();
        }
    }

    private void wake() {
        Runnable task = waiting.poll();
        while (task != null) {
            task.run();
            task = waiting.poll();
        }
    }
}
