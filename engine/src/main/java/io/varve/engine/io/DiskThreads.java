package io.varve.engine.io;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that wait for storage in place of others: up to 8 for reads, 4 for syncs, 1 for write-back, each of a
 * {@link RealDisk}'s own. They are daemons, end when idle, and are never interrupted. Thread-safe.
 */
final class DiskThreads {
    private static final int READ_THREADS = 8;
    private static final int SYNC_THREADS = 4;
    private static final long IDLE_SECONDS = 30;
    private static final long CLOSE_WAIT_SECONDS = 30;

    private final ThreadPoolExecutor readers = pool("read", READ_THREADS);
    private final ThreadPoolExecutor syncers = pool("sync", SYNC_THREADS);
    private final ThreadPoolExecutor writeBack = pool("write-back", 1);

    private static ThreadPoolExecutor pool(String purpose, int threads) {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "varve-" + purpose + "-" + number.getAndIncrement());
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    Executor readers() {
        return readers;
    }

    Executor syncers() {
        return syncers;
    }

    Executor writeBack() {
        return writeBack;
    }

    /** Takes no more tasks and waits for those it has; false if they do not end within half a minute. */
    boolean close() {
        List<ThreadPoolExecutor> pools = List.of(readers, syncers, writeBack);
        pools.forEach(ThreadPoolExecutor::shutdown);
        return pools.stream().allMatch(DiskThreads::drained);
    }

    private static boolean drained(ThreadPoolExecutor pool) {
        try {
            return pool.awaitTermination(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
