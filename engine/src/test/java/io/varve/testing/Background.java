package io.varve.testing;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Work beside a test, each piece on a thread of its own. Not on the common pool: it has one thread on a machine of two
 * processors, and work that blocks there starves the work that it waits for.
 */
public final class Background {
    private static final Executor THREAD_EACH = work -> {
        Thread thread = new Thread(work, "test-background");
        thread.setDaemon(true);
        thread.start();
    };

    private Background() {}

    public static CompletableFuture<Void> run(Runnable work) {
        return CompletableFuture.runAsync(work, THREAD_EACH);
    }

    public static <T> CompletableFuture<T> supply(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, THREAD_EACH);
    }
}
