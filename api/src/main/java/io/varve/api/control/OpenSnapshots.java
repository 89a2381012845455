package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.Volume;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * Snapshots that are open for reading a block now and then: who reads one block reads the next one soon, so that they
 * stay open for a while. Thread-safe.
 */
final class OpenSnapshots implements AutoCloseable {
    /** How many stay open that nobody reads; each takes memory of the engine. */
    private static final int MOST_IDLE = 16;

    private static final Duration IDLE = Duration.ofSeconds(10);

    private final BlockStore store;
    private final InstantSource clock;
    private final Map<SnapshotId, Opened> open = new HashMap<>();

    OpenSnapshots(BlockStore store, InstantSource clock) {
        this.store = store;
        this.clock = clock;
    }

    /** Guarded by the outer object. */
    private static final class Opened {
        final CompletableFuture<Volume> volume;
        int readers;
        Instant lastRead = Instant.MIN;

        Opened(CompletableFuture<Volume> volume) {
            this.volume = volume;
        }
    }

    /** Reads from a snapshot. Waits. */
    <T> T read(SnapshotId id, Function<Volume, T> reading) {
        Opened opened = enter(id);
        try {
            return reading.apply(EngineCalls.await(opened.volume));
        } finally {
            leave(id, opened);
        }
    }

    private synchronized Opened enter(SnapshotId id) {
        Opened opened = open.computeIfAbsent(id, absent -> new Opened(store.openSnapshot(id)));
        opened.readers++;
        return opened;
    }

    private synchronized void leave(SnapshotId id, Opened opened) {
        opened.readers--;
        opened.lastRead = clock.instant();
        if (opened.volume.isCompletedExceptionally()) {
            open.remove(id, opened);
        } else if (open.size() > MOST_IDLE && opened.readers == 0) {
            close(id, opened);
        }
    }

    private void close(SnapshotId id, Opened opened) {
        if (open.remove(id, opened)) {
            opened.volume.thenAccept(Volume::release);
        }
    }

    /** Closes a snapshot that nobody reads just now, and waits until the store knows. */
    void letGo(SnapshotId id) {
        synchronized (this) {
            Opened opened = open.get(id);
            if (opened == null || opened.readers > 0) {
                return;
            }
            close(id, opened);
        }
        try {
            EngineCalls.await(store.lineage(id)); // the store takes one after the other
        } catch (StoreException e) {
            if (e.kind() != StoreException.Kind.SNAPSHOT_NOT_FOUND) {
                throw e;
            }
        }
    }

    /** Closes what was not read for a while. */
    synchronized void expire() {
        Instant before = clock.instant().minus(IDLE);
        Iterator<Opened> all = open.values().iterator();
        while (all.hasNext()) {
            Opened opened = all.next();
            if (opened.readers == 0 && opened.lastRead.isBefore(before)) {
                all.remove();
                opened.volume.thenAccept(Volume::release);
            }
        }
    }

    @Override
    public synchronized void close() {
        open.values().forEach(opened -> opened.volume.thenAccept(Volume::release));
        open.clear();
    }
}
