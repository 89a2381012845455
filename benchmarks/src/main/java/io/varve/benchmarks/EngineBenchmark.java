package io.varve.benchmarks;

import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.SnapshotId;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The engine without a server before it: 4 KiB requests on a real disk. Writes are not flushed, so the figures are those
 * of the page cache until the engine holds writers back for the disk.
 *
 * <p>The fork has the JVM options of {@code ./varve serve}.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgsAppend = {
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
            "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
            "-XX:+IgnoreUnrecognizedVMOptions", // the next two are not known to every JDK
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx256m",
            "-XX:MaxDirectMemorySize=512m",
            "-XX:+UseSerialGC"
        })
public class EngineBenchmark {
    private static final int REQUESTS = 4096;

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

    /** How long a snapshot takes, until it is durable, while random writes go on. */
    @Benchmark
    @BenchmarkMode(Mode.SampleTime)
    @OutputTimeUnit(TimeUnit.MILLISECONDS)
    public void snapshotUnderLoad(SnapshotLoad load) {
        SnapshotId id = load.nextSnapshot();
        load.store().createSnapshot(id, load.volumeId()).join();
    }
}
