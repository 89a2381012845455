package io.varve.api.control;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * A process that dies at the n-th step: each change of the engine or of the metadata has a step before it and one after
 * it. From the crash on, every further change is refused, as a dead process makes none.
 */
final class CrashPoints {
    private static final Set<String> CHANGES = Set.of(
            "put",
            "settle",
            "remove",
            "setDefaultVolume",
            "createVolume",
            "cloneVolume",
            "extendVolume",
            "deleteVolume",
            "createSnapshot",
            "createSnapshots",
            "deleteSnapshot");

    /** The process is dead. */
    static final class Crash extends Error {
        private static final long serialVersionUID = 1L;
    }

    private final int crashAt;
    private int step;

    CrashPoints(int crashAt) {
        this.crashAt = crashAt;
    }

    /** True if the crash came: a call has no more steps when it did not. */
    synchronized boolean crashed() {
        return step >= crashAt;
    }

    <T> T around(Class<T> type, T target) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    boolean change = CHANGES.contains(method.getName());
                    if (change) {
                        advance();
                    }
                    try {
                        Object result = method.invoke(target, arguments);
                        if (change) {
                            settle(result);
                            advance();
                        }
                        return result instanceof Entries<?> entries ? around(Entries.class, entries) : result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    /** The engine of these tests outlives the crash: what it has begun must be over before anyone looks again. */
    private static void settle(Object result) {
        if (result instanceof CompletableFuture<?> future) {
            Throwable unused = future.handle((done, failure) -> failure).join();
        }
    }

    private synchronized void advance() {
        step++;
        if (step >= crashAt) {
            throw new Crash();
        }
    }
}
