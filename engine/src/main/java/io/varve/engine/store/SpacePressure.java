package io.varve.engine.store;

import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * True while files hold so much dead space, or the disk has so little room, that volumes have to wait for compaction
 * before they take more writes in. Any thread.
 */
final class SpacePressure {
    private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();
    private volatile boolean high;

    boolean isHigh() {
        return high;
    }

    void set(boolean isHigh) {
        high = isHigh;
        if (!isHigh) {
            wakeAll();
        }
    }

    /** Runs {@code task}, on whatever thread, when the pressure is gone. */
    void whenLow(Runnable task) {
        waiting.add(task);
        if (!high) {
            wakeAll();
        }
    }

    private void wakeAll() {
        for (Runnable task = waiting.poll(); task != null; task = waiting.poll()) {
            task.run();
        }
    }
}
