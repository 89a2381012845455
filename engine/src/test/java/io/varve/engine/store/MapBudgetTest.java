package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.MemoryUse;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.NullDataDisk;
import io.varve.engine.io.RealDisk;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The map of a volume that is written all over 1 TiB lives within its budget of memory. The data goes nowhere; the
 * property {@code varve.map.writes} says how many blocks are written with each budget, and the rates are printed.
 */
class MapBudgetTest {
    private static final int WRITES = Integer.getInteger("varve.map.writes", 40_000);
    private static final int[] BUDGETS_MIB = WRITES < 1_000_000 ? new int[] {64} : new int[] {32, 64, 128, 512};
    private static final long BLOCKS = (1L << 40) / BlockStore.BLOCK_BYTES;
    private static final int DEPTH = 32;
    private static final long PATH_BYTES = 4 * 8 << 10;
    private static final int PROBES = 1000;
    private static final VolumeId ID = new VolumeId(1, 1);

    @TempDir
    Path directory;

    @Test
    void aTebibyteIsWrittenAllOverWithinTheBudget() throws Exception {
        for (int mebibytes : BUDGETS_MIB) {
            run(mebibytes);
        }
    }

    private void run(int mebibytes) throws Exception {
        StoreOptions options = new StoreOptions((long) mebibytes << 20, 256 << 20, 256 << 20, 128 << 20, 64 << 20);
        Path store = Files.createDirectory(directory.resolve("store-" + mebibytes));
        try (RealThreads threads = new RealThreads();
                BlockStore opened = StoreEngine.open(new NullDataDisk(RealDisk.open(store)), options, threads)) {
            opened.createVolume(ID, 1L << 40).join();
            Volume volume = opened.open(ID).join();
            Writer writer = new Writer(opened, volume);
            long start = System.nanoTime();
            volume.loop().execute(writer::turn);
            writer.done.join();
            double seconds = (System.nanoTime() - start) / 1e9;
            opened.checkpoint().join();
            System.out.printf(
                    "%d blocks all over 1 TiB with %d MiB of pages: %.0f a second, at most %d MiB used, map file %.2f bytes per"
                            + " data byte, %.2f map pages read per write%n",
                    WRITES,
                    mebibytes,
                    WRITES / seconds,
                    writer.mostUsed >> 20,
                    (double) opened.usage().mapBytes() / WRITES / BlockStore.BLOCK_BYTES,
                    (double) volume.counters().mapPagesRead.get() / WRITES);

            assertThat(writer.mostUsed)
                    .as("a quarter more stops new requests; those under way bring their paths in")
                    .isLessThanOrEqualTo(((long) mebibytes * 5 / 4 << 20) + DEPTH * PATH_BYTES);
            writer.probe();
            volume.release();
        }
    }

    /** Keeps so many writes under way; its blocks follow from a seed. */
    private static final class Writer {
        final CompletableFuture<IoStatus> done = new CompletableFuture<>();
        private final BlockStore store;
        private final Volume volume;
        private final ByteBuffer block = ByteBuffer.allocateDirect(BlockStore.BLOCK_BYTES);
        private final SplittableRandom random = new SplittableRandom(7);
        private int begun;
        private int underWay;
        private boolean inTurn;
        private long mostUsed;

        Writer(BlockStore store, Volume volume) {
            this.store = store;
            this.volume = volume;
        }

        void turn() {
            inTurn = true;
            while (underWay < DEPTH && begun < WRITES && !volume.congested()) {
                begun++;
                underWay++;
                volume.write(random.nextLong(BLOCKS) * BlockStore.BLOCK_BYTES, block, false, this::written);
            }
            volume.submit();
            inTurn = false;
            if (begun % 1000 < DEPTH) {
                mostUsed = Math.max(
                        mostUsed, store.memory().get(MemoryUse.MAP_PAGES).usedBytes());
            }
            if (begun < WRITES && volume.congested()) {
                volume.whenWritable(() -> volume.loop().execute(this::turn));
            } else if (begun < WRITES && underWay < DEPTH) {
                volume.loop().execute(this::turn);
            } else if (begun == WRITES && underWay == 0) {
                done.complete(IoStatus.OK);
            }
        }

        private void written(IoStatus status) {
            underWay--;
            if (status != IoStatus.OK) {
                done.completeExceptionally(new AssertionError("a write ended with " + status));
            } else if (!inTurn && underWay == 0) {
                turn();
            }
        }

        /** The first blocks that were written are there, and what was never written is not. */
        void probe() {
            SplittableRandom again = new SplittableRandom(7);
            long[] written = new long[WRITES];
            Arrays.setAll(written, i -> again.nextLong(BLOCKS));
            Arrays.sort(written);
            for (int i = 0; i < PROBES; i++) {
                long at = i % 2 == 0 ? written[(int) ((long) i * WRITES / PROBES)] : again.nextLong(BLOCKS);
                assertThat(isData(at)).as("block %d", at).isEqualTo(Arrays.binarySearch(written, at) >= 0);
            }
        }

        private boolean isData(long at) {
            Extents extents = new Extents();
            CompletableFuture<IoStatus> told = new CompletableFuture<>();
            volume.loop().execute(() -> {
                volume.blockStatus(at * BlockStore.BLOCK_BYTES, BlockStore.BLOCK_BYTES, 1, extents, told::complete);
                volume.submit();
            });
            assertThat(told.join()).isEqualTo(IoStatus.OK);
            return (extents.value(0) & Extents.HOLE) == 0;
        }
    }
}
