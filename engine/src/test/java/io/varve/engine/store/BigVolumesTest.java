package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.Disk;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is done to a volume costs what it holds, or less, whatever its size. */
class BigVolumesTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final long LEAF = 512L * BLOCK;
    private static final int LEVELS = 4;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final VolumeId OTHER = new VolumeId(1, 2);

    private final SimulatedStore simulated = new SimulatedStore(4L << 30, StoreOptions.DEFAULT);

    private Volume create(VolumeId id, long sizeBytes) {
        simulated.await(simulated.store().createVolume(id, sizeBytes));
        return simulated.await(simulated.store().open(id));
    }

    private MapTraffic traffic() {
        return simulated.await(((StoreEngine) simulated.store()).mapTraffic());
    }

    @Test
    void anEmptyOneCostsNextToNothing() {
        long before = simulated.disk.freeBytes();

        simulated.await(simulated.store().createVolume(VOLUME, BlockStore.MAX_VOLUME_BYTES));

        assertThat(before - simulated.disk.freeBytes()).isLessThan(1 << 20);
        assertThat(traffic()).isEqualTo(new MapTraffic(0, 0));
    }

    @Test
    void theMapOfScatteredBlocksTakesWhatItHolds() {
        int leaves = 4000;
        Volume volume = create(VOLUME, leaves * LEAF);

        for (int i = 0; i < leaves; i++) {
            simulated.write(volume, i * LEAF, BLOCK, 1);
        }
        simulated.await(simulated.store().checkpoint());

        long fileBytes =
                simulated.disk.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING).sizeBytes();
        assertThat(fileBytes)
                .as("room is made for pages as they are, not for the longest that there are")
                .isLessThanOrEqualTo(8 << 20);
    }

    @Test
    void aTrimOfEverythingReadsNoMap() {
        long size = 16L << 40;
        Volume volume = create(VOLUME, size);
        Volume other = create(OTHER, 1L << 30);
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 5000; i++) {
            simulated.write(volume, random.nextLong(size / BLOCK) * BLOCK, BLOCK, 1);
        }
        simulated.write(other, 0, BLOCK, 2);
        simulated.store().close();
        simulated.restart();
        volume = simulated.await(simulated.store().open(VOLUME));
        MapTraffic before = traffic();

        assertThat(simulated.call(volume, (opened, done) -> opened.trim(0, size, false, done)))
                .isEqualTo(IoStatus.OK);

        assertThat(volume.counters().mapPagesRead.get())
                .as("pages on the paths to its ends")
                .isLessThanOrEqualTo(2 * LEVELS);
        assertThat(traffic().since(before).pagesRead()).isLessThanOrEqualTo(8);
        simulated.await(simulated.store().checkpoint());
        assertThat(simulated.store().usage().liveBytes())
                .as("the walk has only begun")
                .isGreaterThan(BLOCK);
        for (int i = 0; i < 12; i++) {
            simulated.await(simulated.store().checkpoint());
        }
        assertThat(simulated.store().usage().liveBytes()).isEqualTo(BLOCK);
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }

    @Test
    void manySmallTrimsAreWorkedOffTogether() {
        int leaves = 1000;
        Volume volume = create(VOLUME, leaves * LEAF);
        for (int i = 0; i < leaves; i++) {
            simulated.write(volume, i * LEAF, BLOCK, 1);
        }
        simulated.await(simulated.store().checkpoint());
        for (int i = 0; i < leaves; i += 2) {
            long at = i * LEAF;
            assertThat(simulated.call(volume, (opened, done) -> opened.trim(at, LEAF, false, done)))
                    .isEqualTo(IoStatus.OK);
        }

        simulated.await(simulated.store().checkpoint());
        simulated.await(simulated.store().checkpoint());

        assertThat(simulated.flush(volume)).as("the loop hears of it").isEqualTo(IoStatus.OK);
        assertThat(simulated.store().usage().liveBytes()).isEqualTo(leaves / 2L * BLOCK);
        assertThat(simulated.store().usage(VOLUME).usedBytes()).isEqualTo(leaves / 2L * BLOCK);
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }
}
