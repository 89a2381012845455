package io.varve.benchmarks;

import io.varve.engine.Lz4;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4SafeDecompressor;

/**
 * What compressing the frames of containers is worth on real data: the files of a directory, as a file system would lay
 * them into 4 KiB blocks, in frames of 16 blocks, each kept compressed if that saves an eighth. Arguments: directories.
 */
public final class FrameCompression {
    private static final int BLOCK_BYTES = 4096;
    private static final int FRAME_BYTES = 16 * BLOCK_BYTES;
    private static final int LEAST_SAVING = 8;
    private static final long MOST_BYTES = 1L << 30;

    private final LZ4Compressor compressor = Lz4.factory().fastCompressor();
    private final LZ4SafeDecompressor decompressor = Lz4.factory().safeDecompressor();
    private final ByteBuffer frame = ByteBuffer.allocateDirect(FRAME_BYTES);
    private final ByteBuffer packed = ByteBuffer.allocateDirect(compressor.maxCompressedLength(FRAME_BYTES));
    private final ByteBuffer unpacked = ByteBuffer.allocateDirect(FRAME_BYTES);
    private long plainBytes;
    private long storedBytes;
    private long frames;
    private long kept;
    private long compressNanos;
    private long decompressNanos;

    private FrameCompression() {}

    /** Prints one line for each directory. */
    public static void main(String[] directories) throws IOException {
        System.out.printf(
                Locale.ROOT,
                "%-40s %10s %8s %10s %16s %16s%n",
                "data",
                "MiB",
                "ratio",
                "kept",
                "compress MB/s",
                "decompress MB/s");
        for (String directory : directories) {
            new FrameCompression().report(Path.of(directory));
        }
    }

    private void report(Path directory) throws IOException {
        try (Stream<Path> found = Files.walk(directory)) {
            List<Path> files = found.filter(Files::isRegularFile).sorted().toList();
            for (Path file : files) {
                if (plainBytes < MOST_BYTES) {
                    add(file);
                }
            }
        }
        endFrame();
        System.out.printf(
                Locale.ROOT,
                "%-40s %10d %8.2f %9.0f%% %16.0f %16.0f%n",
                directory,
                plainBytes >> 20,
                (double) plainBytes / storedBytes,
                100.0 * kept / frames,
                plainBytes * 1e3 / compressNanos,
                plainBytes * 1e3 / Math.max(1, decompressNanos));
    }

    private void add(Path file) {
        try (FileChannel channel = FileChannel.open(file)) {
            while (channel.read(frame) >= 0) {
                if (!frame.hasRemaining()) {
                    endFrame();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        while (frame.position() % BLOCK_BYTES != 0) {
            frame.put((byte) 0);
        }
        if (!frame.hasRemaining()) {
            endFrame();
        }
    }

    private void endFrame() {
        int length = frame.position();
        if (length == 0) {
            return;
        }
        long begun = System.nanoTime();
        int smaller = compressor.compress(frame, 0, length, packed, 0, packed.capacity());
        long compressed = System.nanoTime();
        boolean pays = smaller <= length - length / LEAST_SAVING;
        if (pays) {
            int restored = decompressor.decompress(packed, 0, smaller, unpacked, 0, length);
            if (restored != length) {
                throw new IllegalStateException("a frame of " + length + " bytes came back as " + restored);
            }
        }
        compressNanos += compressed - begun;
        decompressNanos += System.nanoTime() - compressed;
        plainBytes += length;
        storedBytes += pays ? smaller : length;
        frames++;
        kept += pays ? 1 : 0;
        frame.clear();
    }
}
