package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.map.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What writes scattered over a volume whose map is larger than its memory cost: the more memory the less, and never more. */
class ScatteredWritesTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int LEAVES = 1000;
    private static final int WRITES = 8000;
    private static final int AT_ONCE = 8;
    /** A page of the second level covers eight of the leaves that are written. */
    private static final long LEAF_DISTANCE = 128L << 20;

    private static final int FEW_PAGES = 150;
    private static final int MANY_PAGES = 900;
    private static final VolumeId VOLUME = new VolumeId(1, 1);

    /** What was done for all the writes. */
    private record Work(long pagesRead, long pagesWritten) {}

    @Test
    void moreMemoryForTheMapMeansLessWorkForEachWrite() {
        Work little = writeAllOver(FEW_PAGES);
        Work much = writeAllOver(MANY_PAGES);

        assertThat(much.pagesRead()).isLessThan(little.pagesRead() * 3 / 4);
        assertThat(much.pagesWritten()).isLessThan(little.pagesWritten() * 3 / 4);
        assertThat(much.pagesWritten())
                .as("a leaf each, and a part of the pages above")
                .isLessThan(2 * WRITES);
    }

    /** So many writes at a time that no checkpoint comes between: in the end nearly every page in memory is dirty. */
    @Test
    void anEvictionPassesByFewPagesHoweverManyAreDirty() {
        SimulatedStore simulated = store(FEW_PAGES);
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            simulated.awaitWritable(volume);
            simulated.write(volume, leaf * LEAF_DISTANCE, BLOCK, 1);
        }
        simulated.await(simulated.store().checkpoint());
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        simulated.disk.setWouldBlockPercent(0);
        long readBefore = volume.counters().mapPagesRead.get();
        long visitsBefore = ((OpenVolume) volume).map().evictionVisits();

        volume.loop().execute(() -> {
            for (int leaf = 0; leaf < LEAVES / 2; leaf++) {
                volume.write(leaf * LEAF_DISTANCE, SimulatedStore.filled(BLOCK, 3), false, status -> {});
            }
            volume.submit();
        });
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);

        long read = volume.counters().mapPagesRead.get() - readBefore;
        long visits = ((OpenVolume) volume).map().evictionVisits() - visitsBefore;
        assertThat(read).isGreaterThan(LEAVES / 3);
        assertThat(visits).as("for %d pages read", read).isLessThan(4 * read);
    }

    private static SimulatedStore store(int pages) {
        StoreOptions options = new StoreOptions((long) pages * Frame.BYTES, 64 << 20, 64 << 20, 64 << 20, 4 << 20);
        SimulatedStore simulated = new SimulatedStore(1L << 28, options);
        simulated.await(simulated.store().createVolume(VOLUME, LEAVES * LEAF_DISTANCE));
        return simulated;
    }

    private static Work writeAllOver(int pages) {
        SimulatedStore simulated = store(pages);
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < WRITES; i += AT_ONCE) {
            simulated.awaitWritable(volume);
            writeTogether(simulated, volume, random);
        }
        MapTraffic traffic = simulated.await(((StoreEngine) simulated.store()).mapTraffic());
        return new Work(traffic.pagesRead(), traffic.pagesWritten());
    }

    private static void writeTogether(SimulatedStore simulated, Volume volume, SplittableRandom random) {
        List<CompletableFuture<IoStatus>> written = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
            written.add(new CompletableFuture<>());
        }
        volume.loop().execute(() -> {
            for (CompletableFuture<IoStatus> status : written) {
                long offset = random.nextInt(LEAVES) * LEAF_DISTANCE;
                volume.write(offset, SimulatedStore.filled(BLOCK, 3), false, status::complete);
            }
            volume.submit();
        });
        for (CompletableFuture<IoStatus> status : written) {
            assertThat(simulated.await(status)).isEqualTo(IoStatus.OK);
        }
    }
}
