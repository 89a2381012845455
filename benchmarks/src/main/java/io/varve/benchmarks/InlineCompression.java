package io.varve.benchmarks;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.benchmarks.ClosedLoop.Operation;
import io.varve.engine.Compression;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * What compressing a volume's writes inline is worth on real data, and what it costs: the files of a directory, as a
 * file system would lay them into 4 KiB blocks, are written to a volume with {@code auto} and to one with {@code lz4},
 * in requests of 1 MiB and then block by block at random, and read at random. Without a server before the engine.
 * Arguments: directories; the store is made in the JVM's temporary directory.
 */
public final class InlineCompression {
    private static final int MOST_BYTES = 256 << 20;
    private static final int LARGE_BYTES = 1 << 20;
    private static final int LARGE_DEPTH = 4;
    private static final int DEPTH = 32;
    private static final int READS = 200_000;

    private final ByteBuffer data = ByteBuffer.allocateDirect(MOST_BYTES);
    private final SplittableRandom random = new SplittableRandom(1);

    private InlineCompression() {}

    /** Bytes given to the kernel for each byte written, and nanoseconds for each block. */
    private record Figures(double bytes, double nanos) {}

    /** Prints two lines for each directory. */
    public static void main(String[] directories) throws IOException {
        System.out.printf(
                Locale.ROOT,
                "%-28s %-5s %5s | %-17s | %-17s | %s%n",
                "bytes to disk, ns per block",
                "",
                "MiB",
                "1 MiB writes",
                "4 KiB at random",
                "reads");
        for (String directory : directories) {
            InlineCompression benchmark = new InlineCompression();
            benchmark.load(Path.of(directory));
            for (Compression compression : List.of(Compression.AUTO, Compression.LZ4)) {
                benchmark.report(directory, compression);
            }
        }
    }

    private void load(Path directory) throws IOException {
        try (Stream<Path> found = Files.walk(directory)) {
            for (Path file : found.filter(Files::isRegularFile).sorted().toList()) {
                if (data.remaining() < BLOCK_BYTES) {
                    break;
                }
                try (FileChannel channel = FileChannel.open(file)) {
                    while (data.hasRemaining() && channel.read(data) >= 0) {
                        // as much of it as there is room for
                    }
                }
                data.position((data.position() + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES);
            }
        }
        data.limit(Math.max(1, data.position() / LARGE_BYTES) * LARGE_BYTES).position(0);
    }

    private void report(String directory, Compression compression) throws IOException {
        long blocks = data.limit() / BLOCK_BYTES;
        try (TemporaryStore temporary = new TemporaryStore("")) {
            VolumeId id = new VolumeId(0, 1);
            temporary.store().createVolume(id, 1L << 30, compression).join();
            Volume volume = temporary.store().open(id).join();
            long[] next = {0};
            Figures large = run(volume, LARGE_DEPTH, data.limit() / LARGE_BYTES, LARGE_BYTES, () -> {
                next[0] += LARGE_BYTES;
                return next[0] - LARGE_BYTES;
            });
            LongSupplier anywhere = () -> random.nextLong(blocks) * BLOCK_BYTES;
            Figures small = run(volume, DEPTH, blocks / 2, BLOCK_BYTES, anywhere);
            long begun = System.nanoTime();
            loop(volume, DEPTH).start(READS, Operation.READ, anywhere).join();
            long readNanos = (System.nanoTime() - begun) / READS;
            volume.release();
            System.out.printf(
                    Locale.ROOT,
                    "%-28s %-5s %5d | %5.2f %11.0f | %5.2f %11.0f | %d%n",
                    directory,
                    compression.name().toLowerCase(Locale.ROOT),
                    data.limit() >> 20,
                    large.bytes,
                    large.nanos,
                    small.bytes,
                    small.nanos,
                    readNanos);
        }
    }

    private Figures run(Volume volume, int depth, long count, int bytes, LongSupplier offsets) {
        Operation write = (to, offset, buffer, completion) ->
                to.write(offset, data.slice((int) offset, bytes), false, completion);
        long before = volume.counters().logBytes.get();
        long begun = System.nanoTime();
        loop(volume, depth).start(count, write, offsets).join();
        long nanos = System.nanoTime() - begun;
        double written = (double) count * bytes;
        return new Figures((volume.counters().logBytes.get() - before) / written, nanos / (written / BLOCK_BYTES));
    }

    private static ClosedLoop loop(Volume volume, int depth) {
        return new ClosedLoop(volume, depth, new byte[BLOCK_BYTES]);
    }
}
