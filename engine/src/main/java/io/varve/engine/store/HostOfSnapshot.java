package io.varve.engine.store;

import io.varve.engine.EngineThreads;
import io.varve.engine.log.Segment;
import io.varve.engine.qos.Throttle;
import java.util.concurrent.CompletableFuture;

/** Answers the questions of a snapshot that is open for reading: it has no log. */
final class HostOfSnapshot implements VolumeHost {
    private final EngineThreads threads;
    private final Runnable released;
    private final Throttle throttle;

    /**
     * @param throttle lets all pass that the store has room for
     * @param released told when one of its holders has given the snapshot back. Any thread
     */
    HostOfSnapshot(EngineThreads threads, Throttle throttle, Runnable released) {
        this.threads = threads;
        this.throttle = throttle;
        this.released = released;
    }

    private static IllegalStateException noLog() {
        return new IllegalStateException("a snapshot has no log");
    }

    @Override
    public CompletableFuture<LogStart> startLog(long capacityBytes, boolean framed, boolean fromBallast) {
        throw noLog();
    }

    @Override
    public CompletableFuture<Segment> prepareSegment(
            long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast) {
        throw noLog();
    }

    @Override
    public void logGrew(OpenVolume volume, long bytes) {
        throw noLog();
    }

    @Override
    public void checkpointWanted() {}

    @Override
    public boolean hasNoRoomForCheckpoint() {
        return false;
    }

    @Override
    public Throttle throttle() {
        return throttle;
    }

    @Override
    public long nanoTime() {
        return threads.nanoTime();
    }

    @Override
    public long maxSegmentBytes() {
        throw noLog();
    }

    @Override
    public void released(OpenVolume volume) {
        released.run();
    }

    @Override
    public void statusChanged(OpenVolume volume) {}
}
