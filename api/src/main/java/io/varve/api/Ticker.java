package io.varve.api;

import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does once a second what has come due. Close it before the control plane. */
final class Ticker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Ticker.class);
    private static final long CLOSE_SECONDS = 30;

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread ticking = new Thread(task, "ticker");
        ticking.setDaemon(true);
        return ticking;
    });

    /** @param tasks in their order; one that fails keeps no other from being done */
    Ticker(Runnable... tasks) {
        List<Runnable> all = List.of(tasks);
        var unused = thread.scheduleWithFixedDelay(() -> all.forEach(Ticker::tick), 1, 1, TimeUnit.SECONDS);
    }

    private static void tick(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) { // the edge of a thread: what is due stays due
            LOG.error("what had come due failed; it is tried again in a second", e);
        }
    }

    /** Waits for what has begun; never interrupts it, because it touches files. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
