package io.varve.engine.store;

import io.varve.engine.EngineThreads;
import io.varve.engine.StoreException;
import io.varve.engine.io.DiskException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The accountant's tasks, one after the other: everything that changes the store as a whole. They end with the store,
 * or when a commit fails half-way: memory and disk are apart then, and nothing is changed until the store is opened
 * anew.
 */
final class AccountantTasks {
    private static final Logger LOG = LoggerFactory.getLogger(AccountantTasks.class);

    private final EngineThreads threads;
    private final List<Runnable> whenCommitted = new ArrayList<>();
    private final List<Consumer<StoreException>> whenFailed = new ArrayList<>();
    private volatile @Nullable StoreException failure;
    private volatile boolean closed;

    AccountantTasks(EngineThreads threads) {
        this.threads = threads;
    }

    /** Runs {@code task} as a task of the accountant. Any thread. */
    <T, R extends T> CompletableFuture<T> call(Supplier<R> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        threads.accountant().execute(() -> {
            try {
                checkUsable();
                result.complete(task.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(translate(e));
            } catch (Error e) {
                result.completeExceptionally(translate(e)); // nobody may wait for ever
                throw e;
            }
        });
        return result;
    }

    /** Runs {@code task} as a task of the accountant. Any thread. */
    CompletableFuture<Void> run(Runnable task) {
        return call(() -> {
            task.run();
            return null;
        });
    }

    /** Runs {@code task} on a background thread; its failure is the answer's. Any thread. */
    <T> CompletableFuture<T> callInBackground(Supplier<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        threads.background().execute(() -> {
            try {
                result.complete(task.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(translate(e));
            } catch (Error e) {
                result.completeExceptionally(translate(e));
                throw e;
            }
        });
        return result;
    }

    private void checkUsable() {
        StoreException cause = failure;
        if (closed) {
            throw new StoreException(StoreException.Kind.CLOSED, "the store is closed");
        }
        if (cause != null) {
            throw cause;
        }
    }

    /** Has {@code listener} told of every commit. Before the first task. */
    void whenCommitted(Runnable listener) {
        whenCommitted.add(listener);
    }

    /** Has {@code listener} told, once, why nothing is changed any more. Before the first task. */
    void whenFailed(Consumer<StoreException> listener) {
        whenFailed.add(listener);
    }

    /** Runs what changes the tables and commits them. Accountant only. */
    void commit(Runnable change) {
        checkUsable(); // a task whose earlier commit has failed makes no second one
        try {
            change.run();
            whenCommitted.forEach(Runnable::run);
        } catch (RuntimeException e) {
            throw failed(e);
        } catch (Error e) {
            failed(e);
            throw e;
        }
    }

    private StoreException failed(Throwable e) {
        StoreException cause = translate(e);
        failure = cause;
        LOG.error("the store takes no changes any more", e);
        whenFailed.forEach(listener -> listener.accept(cause));
        return cause;
    }

    /** True when a commit has failed: nothing is changed any more. */
    boolean hasFailed() {
        return failure != null;
    }

    boolean isClosed() {
        return closed;
    }

    /** No task is run any more. */
    void close() {
        closed = true;
    }

    static StoreException translate(Throwable e) {
        if (e instanceof StoreException known) {
            return known;
        }
        if (e instanceof DiskException disk) {
            StoreException.Kind kind = switch (disk.kind()) {
                case NO_SPACE -> StoreException.Kind.NO_SPACE;
                case ACCESS -> StoreException.Kind.ACCESS_DENIED;
                default -> StoreException.Kind.IO;
            };
            return new StoreException(kind, String.valueOf(e.getMessage()), e);
        }
        LOG.error("unexpected failure", e);
        return new StoreException(StoreException.Kind.IO, "unexpected: " + e, e);
    }

    /** Waits for {@code future}; fails with the store's exception that it failed with. */
    static <T> T join(CompletableFuture<T> future, EngineThreads threads) {
        try {
            return threads.await(future);
        } catch (CompletionException e) {
            if (e.getCause() instanceof StoreException known) {
                throw known;
            }
            throw e;
        }
    }
}
