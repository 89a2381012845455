package io.varve.benchmarks;

import static io.varve.engine.BlockStore.BLOCK_BYTES;

import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Floors;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapRoot;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What single steps of a request cost, each on its own and warm in the caches. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StepBenchmark extends AsServed {
    private static final int FRAME_BLOCKS = 16;

    /** A block, and a frame of neighbours of which half can be compressed away. */
    @State(Scope.Benchmark)
    public static class Payload {
        private final CRC32C crc = new CRC32C();
        private final LZ4Compressor compressor = LZ4Factory.fastestInstance().fastCompressor();
        private final LZ4SafeDecompressor decompressor =
                LZ4Factory.fastestInstance().safeDecompressor();
        private final ByteBuffer frame = ByteBuffer.allocateDirect(FRAME_BLOCKS * BLOCK_BYTES);
        private final ByteBuffer packed =
                ByteBuffer.allocateDirect(compressor.maxCompressedLength(FRAME_BLOCKS * BLOCK_BYTES));
        private final ByteBuffer unpacked = ByteBuffer.allocateDirect(FRAME_BLOCKS * BLOCK_BYTES);
        private int packedBytes;

        @Setup
        public void fill() {
            SplittableRandom random = new SplittableRandom(1);
            for (int at = 0; at < frame.capacity(); at += Long.BYTES) {
                frame.putLong(at, at % BLOCK_BYTES < BLOCK_BYTES / 2 ? random.nextLong() : 0);
            }
            packedBytes = compressor.compress(frame, 0, frame.capacity(), packed, 0, packed.capacity());
        }
    }

    /** A map of 1 GiB, written at random and in memory whole. */
    @State(Scope.Benchmark)
    public static class Map {
        private static final int BLOCKS = 1 << 18;
        private static final int WRITES_BEFORE_SNAPSHOT = 4;
        private static final long POOL_BYTES = 256L << 20;
        private static final int BLOCK_SLOTS = BLOCK_BYTES / 32;

        /** Frozen trees in its past. */
        @Param({"0", "1000"})
        public int snapshots;

        private final SplittableRandom random = new SplittableRandom(1);
        private final FramePool pool = new FramePool(POOL_BYTES);
        private final BlockMap map = new BlockMap(pool, MapRoot.EMPTY, 1, Floors.NONE);
        private final int[] checks = {1};
        private long address = 1L << 32;

        @Setup
        public void fill() {
            for (int i = 0; i < BLOCKS; i++) {
                write(i);
            }
            for (int i = 0; i < snapshots; i++) {
                MapRoot taken = map.freeze();
                map.setFloors(Floors.of(address, taken.birth()));
                for (int j = 0; j < WRITES_BEFORE_SNAPSHOT; j++) {
                    write(random.nextLong(BLOCKS));
                }
            }
        }

        @TearDown
        public void close() {
            map.close();
            pool.close();
        }

        private void write(long block) {
            address += BLOCK_SLOTS;
            map.setRun(block, 1, address, BLOCK_SLOTS, checks, 0);
        }
    }

    @Benchmark
    public long checkBlock(Payload payload) {
        payload.crc.reset();
        payload.crc.update(payload.frame.limit(BLOCK_BYTES).position(0));
        payload.frame.clear();
        return payload.crc.getValue();
    }

    @Benchmark
    public int compressFrame(Payload payload) {
        return payload.compressor.compress(
                payload.frame, 0, payload.frame.capacity(), payload.packed, 0, payload.packed.capacity());
    }

    @Benchmark
    public int decompressFrame(Payload payload) {
        return payload.decompressor.decompress(
                payload.packed, 0, payload.packedBytes, payload.unpacked, 0, payload.unpacked.capacity());
    }

    @Benchmark
    public long lookUp(Map map) {
        long block = map.random.nextLong(Map.BLOCKS);
        return map.map.entry(Objects.requireNonNull(map.map.leaf(block)), block);
    }

    @Benchmark
    public void update(Map map) {
        map.write(map.random.nextLong(Map.BLOCKS));
    }
}
