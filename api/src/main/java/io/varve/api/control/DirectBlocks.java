package io.varve.api.control;

import io.varve.engine.BulkThreads;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The unit in which snapshots are read and written directly, block by block, and the threads that do it: few, each with
 * one buffer, and with a bounded number of requests that wait for them. Thread-safe.
 */
public final class DirectBlocks implements AutoCloseable {
    /** The size of a block, as EBS has it. */
    public static final int BYTES = 512 << 10;

    private static final int THREADS = 8;
    private static final int WAITING = 64;
    private static final int COMPLETERS = 2;
    private static final long IDLE_SECONDS = 10;
    private static final long CLOSE_SECONDS = 10;

    private final ThreadPoolExecutor threads = pool("direct-blocks", THREADS, WAITING);
    private final ThreadPoolExecutor completers = pool("completion", COMPLETERS, Uploads.MOST_PENDING);
    private final ThreadLocal<ByteBuffer> buffers = ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BYTES));
    private final ThreadLocal<byte[]> arrays = ThreadLocal.withInitial(() -> new byte[BYTES]);
    private final ThreadLocal<MessageDigest> digests = ThreadLocal.withInitial(DirectBlocks::newDigest);

    private static ThreadPoolExecutor pool(String name, int size, int waiting) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                size, size, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(waiting), new BulkThreads(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** Runs a task that waits for a block or two. Fails with REQUEST_LIMIT_EXCEEDED if too many wait already. */
    <T> CompletableFuture<T> run(Supplier<T> task) {
        return run(threads, task);
    }

    /** Runs a task that goes over a whole upload. */
    <T> CompletableFuture<T> complete(Supplier<T> task) {
        return run(completers, task);
    }

    private static <T> CompletableFuture<T> run(ThreadPoolExecutor pool, Supplier<T> task) {
        try {
            return CompletableFuture.supplyAsync(task, pool);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.failedFuture(new RequestException(
                    ErrorCode.REQUEST_LIMIT_EXCEEDED,
                    "%d requests for blocks are at work or wait already: send fewer at once, or try again"
                            .formatted(
                                    pool.getMaximumPoolSize() + pool.getQueue().size())));
        }
    }

    /** This thread's buffer of one block, cleared. */
    ByteBuffer buffer() {
        return buffers.get().clear();
    }

    /** This thread's array of one block, with anything in it. */
    byte[] array() {
        return arrays.get();
    }

    /** The SHA-256 of some bytes. */
    byte[] digest(byte[] bytes) {
        return digests.get().digest(bytes);
    }

    static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Waits for what has begun; later tasks are rejected. */
    @Override
    public void close() {
        threads.shutdown();
        completers.shutdown();
        try {
            threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
            completers.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
