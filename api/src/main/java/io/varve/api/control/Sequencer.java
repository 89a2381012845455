package io.varve.api.control;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Runs control operations on a few threads: those on one object one after the other in the order they came, those on
 * different objects at once. Thread-safe. Its threads are never interrupted, because they touch files.
 */
final class Sequencer implements AutoCloseable {
    private static final int THREADS = 4;
    private static final long CLOSE_SECONDS = 30;

    private final Map<String, CompletableFuture<?>> tails = new HashMap<>();
    private final ExecutorService workers;

    Sequencer() {
        AtomicInteger count = new AtomicInteger();
        workers = Executors.newFixedThreadPool(THREADS, task -> {
            Thread thread = new Thread(task, "control-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Runs {@code operation} after all earlier ones on {@code object}, however these end. */
    <T> CompletableFuture<T> run(String object, Supplier<T> operation) {
        CompletableFuture<T> result;
        synchronized (tails) {
            CompletableFuture<?> before = tails.getOrDefault(object, CompletableFuture.completedFuture(null));
            result = before.handle((value, failure) -> "ended").thenApplyAsync(ended -> operation.get(), workers);
            tails.put(object, result);
        }
        result.whenComplete((value, failure) -> forget(object, result));
        return result;
    }

    private void forget(String object, CompletableFuture<?> tail) {
        synchronized (tails) {
            tails.remove(object, tail);
        }
    }

    /** Waits for the operations that have begun; later ones are rejected. */
    @Override
    public void close() {
        workers.shutdown();
        try {
            workers.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
