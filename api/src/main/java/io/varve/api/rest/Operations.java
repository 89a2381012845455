package io.varve.api.rest;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * What each operation of the contract does, by its operationId. Runs on the server's loop and waits for nothing there.
 */
final class Operations {
    private final Map<String, Function<Call, CompletableFuture<Answer>>> handlers = new HashMap<>();

    /** Adds an operation that takes time. */
    void add(String operationId, Function<Call, CompletableFuture<Answer>> handler) {
        handlers.put(operationId, handler);
    }

    /** Adds an operation that is answered at once. */
    void addPrompt(String operationId, Function<Call, Answer> handler) {
        add(operationId, call -> CompletableFuture.completedFuture(handler.apply(call)));
    }

    /** Does what the contract calls {@code operationId}. */
    CompletableFuture<Answer> run(String operationId, Call call) {
        Function<Call, CompletableFuture<Answer>> handler = handlers.get(operationId);
        if (handler == null) {
            throw new IllegalStateException("the contract has an operation that nothing does: " + operationId);
        }
        return handler.apply(call);
    }
}
