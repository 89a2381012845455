package io.varve.api;

import io.varve.engine.EngineThreads;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeLoop;
import io.varve.nbd.NettyLoops;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The engine's threads in the daemon: NBD's loops, one accountant and a few threads for what may wait. Close it after
 * the engine.
 */
public final class DaemonThreads implements EngineThreads, AutoCloseable {
    private static final int BACKGROUND_THREADS = 2;

    private final NettyLoops loops;
    private final ExecutorService accountant = Executors.newSingleThreadExecutor(task -> thread(task, "accountant"));
    private final ExecutorService background =
            Executors.newFixedThreadPool(BACKGROUND_THREADS, task -> thread(task, "background"));

    /** Starts on {@code loops}, which stay the caller's to close. */
    public DaemonThreads(NettyLoops loops) {
        this.loops = loops;
    }

    @Override
    public VolumeLoop nextLoop() {
        return loops.nextLoop();
    }

    @Override
    public Executor accountant() {
        return accountant;
    }

    @Override
    public Executor background() {
        return background;
    }

    @Override
    public <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof StoreException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public Instant now() {
        return Instant.now();
    }

    private static Thread thread(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Ends the threads after what they have to do; never interrupts them, because they touch files. */
    @Override
    public void close() {
        accountant.shutdown();
        background.shutdown();
    }
}
