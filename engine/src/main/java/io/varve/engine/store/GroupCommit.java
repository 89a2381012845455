package io.varve.engine.store;

import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.LogWriter;
import io.varve.engine.log.Segment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Syncs a volume's log for all who wait at the moment at once: those who come while a sync is under way share the next
 * one. A sync covers every segment written since the last. A failed sync is final: nothing is ever synced again here.
 * Loop only.
 */
final class GroupCommit {
    private final VolumeLoop loop;
    private final LogWriter log;
    private final VolumeCounters counters;
    private final Consumer<DiskException> whenFailed;
    private List<Consumer<Boolean>> waiting = new ArrayList<>();
    private List<Consumer<Boolean>> inSync = new ArrayList<>();
    private List<Segment> segmentsInSync = List.of();
    private int syncsInFlight;
    private boolean failed;
    private @Nullable DiskException failure;

    GroupCommit(VolumeLoop loop, LogWriter log, VolumeCounters counters, Consumer<DiskException> whenFailed) {
        this.loop = loop;
        this.log = log;
        this.counters = counters;
        this.whenFailed = whenFailed;
    }

    /** Tells {@code waiter} true when all that was appended until now is on stable storage, false if it cannot be. */
    void await(Consumer<Boolean> waiter) {
        waiting.add(waiter);
    }

    /** The segments that the sync under way covers. */
    List<Segment> segmentsInSync() {
        return segmentsInSync;
    }

    /** Starts a sync if somebody waits and none is under way. */
    void start() {
        if (waiting.isEmpty() || syncsInFlight > 0) {
            return;
        }
        List<Consumer<Boolean>> batch = waiting;
        waiting = new ArrayList<>();
        List<Segment> segments = failed ? List.of() : log.takeUnsynced();
        if (segments.isEmpty()) {
            batch.forEach(waiter -> waiter.accept(!failed));
            return;
        }
        inSync = batch;
        segmentsInSync = segments;
        long sequence = log.lastSequence();
        syncsInFlight = segments.size();
        VolumeCounters.add(counters.logSyncs, segments.size());
        for (Segment segment : segments) {
            segment.file().syncAsync(loop, problem -> synced(sequence, problem));
        }
    }

    private void synced(long sequence, @Nullable DiskException problem) {
        failure = failure == null ? problem : failure;
        syncsInFlight--;
        if (syncsInFlight > 0) {
            return;
        }
        DiskException firstFailure = failure;
        if (firstFailure != null && !failed) {
            failed = true;
            whenFailed.accept(firstFailure);
        } else if (firstFailure == null) {
            log.markDurable(sequence);
        }
        List<Consumer<Boolean>> batch = inSync;
        inSync = new ArrayList<>();
        segmentsInSync = List.of();
        batch.forEach(waiter -> waiter.accept(!failed));
        start();
    }

    /** The log failed: whoever waits is told so, now or when the sync under way is over. */
    void fail() {
        failed = true;
        if (syncsInFlight == 0) {
            start();
        }
    }
}
