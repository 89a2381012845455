package io.varve.engine;

import java.util.concurrent.Executor;

/**
 * The one thread that a volume lives on. Whatever a volume does it does there, so that its log, its map and its token
 * buckets need no locks. Tasks run in the order they were given.
 */
public interface VolumeLoop extends Executor {
    /** True when the caller is on this loop. */
    boolean inLoop();

    /** Runs {@code task} on the loop after at least {@code delayNanos}. */
    void schedule(Runnable task, long delayNanos);
}
