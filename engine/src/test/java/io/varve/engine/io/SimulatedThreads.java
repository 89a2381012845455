package io.varve.engine.io;

import io.varve.engine.EngineThreads;
import io.varve.engine.VolumeLoop;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/** The threads of an engine as queues of a {@link SimulatedScheduler}. */
public final class SimulatedThreads implements EngineThreads {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final SimulatedScheduler scheduler;
    private final List<VolumeLoop> loops = new ArrayList<>();
    private final SimulatedScheduler.Queue accountant;
    private final SimulatedScheduler.Queue background;
    private int loopsGiven;

    public SimulatedThreads(SimulatedScheduler scheduler, int loops) {
        this.scheduler = scheduler;
        this.accountant = scheduler.newQueue("accountant");
        this.background = scheduler.newQueue("background");
        for (int i = 0; i < loops; i++) {
            this.loops.add(scheduler.newQueue("loop-" + i));
        }
    }

    @Override
    public VolumeLoop nextLoop() {
        return loops.get(loopsGiven++ % loops.size());
    }

    @Override
    public Executor accountant() {
        return accountant;
    }

    @Override
    public Executor background() {
        return background;
    }

    /**
     * Runs the other queues until {@code future} is done. For the accountant and, as the thread that opens a store, for
     * the test itself; a loop never waits.
     */
    @Override
    public <T> T await(CompletableFuture<T> future) {
        if (loops.stream().anyMatch(VolumeLoop::inLoop)) {
            throw new AssertionError("a loop waits for a future");
        }
        scheduler.runUntil(future::isDone);
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    public long nanoTime() {
        return scheduler.nanoTime();
    }

    @Override
    public Instant now() {
        return START.plusNanos(scheduler.nanoTime());
    }
}
