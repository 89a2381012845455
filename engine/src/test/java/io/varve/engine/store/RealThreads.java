package io.varve.engine.store;

import io.varve.engine.EngineThreads;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeLoop;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Threads of this machine for an engine on a real directory: one loop, the accountant, one for the background. */
final class RealThreads implements EngineThreads, AutoCloseable {
    private final Loop loop = new Loop();
    private final ExecutorService accountant = Executors.newSingleThreadExecutor(work -> daemon(work, "accountant"));
    private final ExecutorService background = Executors.newSingleThreadExecutor(work -> daemon(work, "background"));

    /** One thread. */
    private static final class Loop implements VolumeLoop {
        private final Thread[] thread = new Thread[1];
        private final ScheduledExecutorService executor =
                Executors.newSingleThreadScheduledExecutor(work -> thread[0] = daemon(work, "loop"));

        @Override
        public boolean inLoop() {
            return Thread.currentThread() == thread[0];
        }

        @Override
        public void execute(Runnable task) {
            executor.execute(task);
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            executor.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
        }
    }

    @Override
    public VolumeLoop nextLoop() {
        return loop;
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

    private static Thread daemon(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Ends the threads after what they have to do; a store on them has to be closed before. */
    @Override
    public void close() {
        accountant.shutdown();
        background.shutdown();
        loop.executor.shutdown();
    }
}
