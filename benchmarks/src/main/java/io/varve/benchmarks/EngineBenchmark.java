package io.varve.benchmarks;

import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.SnapshotId;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;

/**
 * The engine without a server before it, on a real disk. Writes are not flushed, so the figures are those of the page
 * cache until the engine holds writers back for the disk. Snapshots, compression and limits are parameters of {@link
 * FilledVolume}: {@code -p snapshots=1000}.
 */
public class EngineBenchmark extends AsServed {
    private static final int REQUESTS = 1024;

    private final Operation mixed = Operation.mixed();

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void randomWrite(FilledVolume volume) {
        volume.requests().start(REQUESTS, Operation.WRITE, volume.random()).join();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void sequentialWrite(FilledVolume volume) {
        volume.requests().start(REQUESTS, Operation.WRITE, volume.sequential()).join();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void randomRead(FilledVolume volume) {
        volume.requests().start(REQUESTS, Operation.READ, volume.random()).join();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void sequentialRead(FilledVolume volume) {
        volume.requests().start(REQUESTS, Operation.READ, volume.sequential()).join();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public void randomMixed(FilledVolume volume) {
        volume.requests().start(REQUESTS, mixed, volume.random()).join();
    }

    /** How long a snapshot takes, until it is durable, while random writes go on. */
    @Benchmark
    @BenchmarkMode(Mode.SampleTime)
    @OutputTimeUnit(TimeUnit.MILLISECONDS)
    public void snapshotUnderLoad(SnapshotLoad load) {
        SnapshotId id = load.nextSnapshot();
        load.store().createSnapshot(id, load.volumeId()).join();
    }
}
