package io.varve.api;

import io.varve.api.control.ControlPlane;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has the control plane do once a second what has come due. Close it before the control plane. */
final class Ticker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Ticker.class);
    private static final long CLOSE_SECONDS = 30;

    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread ticking = new Thread(task, "ticker");
        ticking.setDaemon(true);
        return ticking;
    });

    Ticker(ControlPlane control) {
        var unused = thread.scheduleWithFixedDelay(() -> tick(control), 1, 1, TimeUnit.SECONDS);
    }

    private static void tick(ControlPlane control) {
        try {
            control.tick();
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
