package io.varve.api.control;

import io.varve.engine.StoreException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Waiting for the engine on a control thread. */
final class EngineCalls {
    private EngineCalls() {}

    /** Waits for {@code future}; fails with the {@link StoreException} that it failed with. */
    static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof StoreException cause) {
                throw cause;
            }
            throw e;
        }
    }
}
