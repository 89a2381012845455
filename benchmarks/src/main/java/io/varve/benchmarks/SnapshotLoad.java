package io.varve.benchmarks;

import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.concurrent.CompletableFuture;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Random writes without end on a filled volume, and a snapshot id at a time. */
@State(Scope.Benchmark)
public class SnapshotLoad {
    private long snapshots;

    @SuppressWarnings("NullAway.Init") // by start()
    private FilledVolume filled;

    @SuppressWarnings("NullAway.Init") // by start()
    private CompletableFuture<Void> writes;

    @Setup(Level.Trial)
    public void start(FilledVolume volume) {
        filled = volume;
        writes = volume.requests().start(Long.MAX_VALUE, Operation.WRITE, volume.random());
    }

    @TearDown(Level.Trial)
    public void stop() {
        filled.requests().stop();
        writes.join();
    }

    /** Deletes the snapshot before, so that the store does not fill up. */
    @TearDown(Level.Invocation)
    public void deleteSnapshot() {
        store().deleteSnapshot(new SnapshotId(0, snapshots)).join();
    }

    SnapshotId nextSnapshot() {
        return new SnapshotId(0, ++snapshots);
    }

    BlockStore store() {
        return filled.store();
    }

    VolumeId volumeId() {
        return filled.id();
    }
}
