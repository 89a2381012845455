package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * When a volume's answers are given: at once, or after the request that is being appended, since callers may make new
 * requests within the answer, or when nobody {@linkplain #hold holds} them back any more. Loop only; hot path.
 */
final class Answers {
    private final Deque<Runnable> afterAppending = new ArrayDeque<>();
    private final Deque<Runnable> held = new ArrayDeque<>();
    /** Depth of calls that are appending a request. */
    private int appending;

    private int holds;

    /** @param internal true for the engine's own requests, whose answers nobody holds back */
    void give(Completion completion, IoStatus result, boolean internal) {
        if (holds > 0 && !internal) {
            held.add(() -> completion.completed(result));
        } else if (appending > 0) {
            afterAppending.add(() -> completion.completed(result));
        } else {
            completion.completed(result);
        }
    }

    void beginAppending() {
        appending++;
    }

    void endAppending() {
        appending--;
        while (appending == 0 && !afterAppending.isEmpty()) {
            afterAppending.remove().run();
        }
    }

    /** Keeps every answer back until {@link #release}. */
    void hold() {
        holds++;
    }

    void release() {
        holds--;
        while (holds == 0 && !held.isEmpty()) {
            held.remove().run();
        }
    }
}
