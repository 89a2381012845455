package io.varve.engine;

import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * The threads and the time that an engine runs on, given to it from outside so that tests can put all of it on one
 * thread and one simulated clock.
 */
public interface EngineThreads {
    /** A loop for a volume that is being opened. Implementations spread volumes over their loops. */
    VolumeLoop nextLoop();

    /**
     * The accountant: one thread that runs checkpoints and everything else that waits for storage outside the data
     * path.
     */
    Executor accountant();

    /**
     * Runs tasks that wait for storage and that the accountant's work must not hold up, such as making a segment ready.
     */
    Executor background();

    /** Waits for {@code future} on the accountant. Fails with what the future failed with. */
    <T> T await(CompletableFuture<T> future);

    /** A clock that only goes forward, for durations. */
    long nanoTime();

    /** The wall clock, for people. */
    Instant now();
}
