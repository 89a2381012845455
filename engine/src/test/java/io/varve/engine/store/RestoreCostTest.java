package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A restore costs the same whatever the size of the volume, counted in map pages. */
class RestoreCostTest {
    private static final long GIBIBYTE = 1L << 30;
    private static final int PIECE_BYTES = 1 << 20;
    private static final int PIECES = (int) (GIBIBYTE / PIECE_BYTES);
    private static final long LEVELS = 4;
    private static final MapTraffic NONE = new MapTraffic(0, 0);

    @TempDir
    Path directory;

    /**
     * Map pages that restores cost.
     *
     * @param fresh of changing one block after a checkpoint, taking a snapshot and restoring it
     * @param again of a snapshot that has been restored before
     * @param firstRead of opening the restored volume and reading one block
     */
    private record Cost(MapTraffic fresh, MapTraffic again, MapTraffic firstRead) {}

    @Test
    void aGibibyteInATebibyteIsRestoredWithAsManyMapPagesAsAFullGibibyte() {
        Cost full = restore("full", GIBIBYTE);
        Cost sparse = restore("sparse", GIBIBYTE << 10);

        System.out.println(full);
        assertThat(sparse).isEqualTo(full);
        assertThat(full.fresh.pagesWritten()).isBetween(1L, LEVELS);
        assertThat(full.again).isEqualTo(NONE);
        assertThat(full.firstRead.pagesRead()).isBetween(1L, LEVELS);
    }

    /** Writes one GiB over the whole volume, and restores a snapshot of it twice. */
    private Cost restore(String name, long sizeBytes) {
        try (RealThreads threads = new RealThreads();
                StoreEngine store =
                        (StoreEngine) StoreEngine.open(directory.resolve(name), StoreOptions.DEFAULT, threads)) {
            VolumeId original = new VolumeId(1, 1);
            SnapshotId snapshot = new SnapshotId(1, 1);
            await(store.createVolume(original, sizeBytes));
            Volume volume = await(store.open(original));
            ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
            for (int i = 0; i < PIECES; i++) {
                write(volume, i * (sizeBytes / PIECES), piece.putInt(0, i));
            }
            await(store.checkpoint());

            MapTraffic fresh = traffic(store, () -> {
                write(
                        volume,
                        0,
                        ByteBuffer.allocateDirect(BlockStore.BLOCK_BYTES).putInt(0, PIECES));
                await(store.createSnapshot(snapshot, original));
                await(store.cloneVolume(new VolumeId(1, 2), sizeBytes, snapshot));
            });
            MapTraffic again = traffic(store, () -> await(store.cloneVolume(new VolumeId(1, 3), sizeBytes, snapshot)));
            MapTraffic firstRead = traffic(store, () -> assertReads(store, new VolumeId(1, 3), sizeBytes));
            volume.release();
            return new Cost(fresh, again, firstRead);
        }
    }

    private static MapTraffic traffic(StoreEngine store, Runnable work) {
        MapTraffic before = await(store.mapTraffic());
        work.run();
        return await(store.mapTraffic()).since(before);
    }

    /** The last piece is in the volume. */
    private static void assertReads(BlockStore store, VolumeId id, long sizeBytes) {
        Volume volume = await(store.open(id));
        ByteBuffer block = ByteBuffer.allocateDirect(BlockStore.BLOCK_BYTES);
        request(volume, done -> volume.read((PIECES - 1) * (sizeBytes / PIECES), block, done));
        assertThat(block.getInt(0)).isEqualTo(PIECES - 1);
        volume.release();
    }

    private static void write(Volume volume, long offset, ByteBuffer content) {
        request(volume, done -> volume.write(offset, content, false, done));
    }

    private interface Request {
        void make(Completion done);
    }

    private static void request(Volume volume, Request request) {
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            request.make(done::complete);
            volume.submit();
        });
        assertThat(await(done)).isEqualTo(IoStatus.OK);
    }

    private static <T> T await(CompletableFuture<T> future) {
        return future.orTimeout(1, TimeUnit.MINUTES).join();
    }
}
