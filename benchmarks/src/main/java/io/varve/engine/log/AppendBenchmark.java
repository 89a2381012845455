package io.varve.engine.log;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.benchmarks.AsServed;
import io.varve.engine.MemoryBudget;
import io.varve.engine.VolumeCounters;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.io.RealDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Appending a batch of 4 KiB records to a log file whose pages are cached, check values and system call included. In
 * the package of what it measures, which nobody else may see.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AppendBenchmark extends AsServed {
    private static final int RECORDS = 32;
    private static final long SEGMENT_BYTES = 64L << 20;

    /** Records that one system call takes to the kernel; 1 is a client that waits for each answer. */
    @Param({"1", "32"})
    public int batch;

    private final ByteBuffer payload = ByteBuffer.allocateDirect(BLOCK_BYTES);
    private final int[] checks = new int[1];
    private final LogWriter log = new LogWriter(1, new VolumeCounters(), new FrameMemory(1 << 20));
    private int epoch;

    @SuppressWarnings("NullAway.Init") // by open()
    private Path directory;

    @SuppressWarnings("NullAway.Init") // by open()
    private Disk disk;

    @SuppressWarnings("NullAway.Init") // by open()
    private Segment segment;

    @Setup(Level.Trial)
    public void open() throws IOException {
        byte[] random = new byte[BLOCK_BYTES];
        new SplittableRandom(1).nextBytes(random);
        payload.put(random).flip();
        directory = Files.createTempDirectory("varve-benchmark-");
        disk = RealDisk.open(directory);
        DiskFile file = disk.open("segment", Disk.Mode.CREATE);
        file.allocate(0, SEGMENT_BYTES);
        segment = Segment.ofRecords(1, 1, 1, SEGMENT_BYTES, file, false, new FrameCache(MemoryBudget.DEFAULT));
        begin();
    }

    private void begin() {
        log.begin(++epoch, segment, LogPosition.START);
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        disk.close();
        Files.delete(directory.resolve("segment"));
        Files.delete(directory);
    }

    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public void append() {
        for (int i = 0; i < RECORDS; i++) {
            if (!log.hasRoomHere(BLOCK_BYTES)) {
                log.writeBatch();
                log.end();
                begin();
            }
            log.beginData(0, 1, (byte) 0);
            log.addBlocks(payload, 0, BLOCK_BYTES, checks, 0);
            log.endData();
            if ((i + 1) % batch == 0) {
                log.writeBatch();
            }
        }
    }
}
