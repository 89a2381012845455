package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The file of map pages gives back what nothing is in once volumes rest, and is written only where it has blocks. */
class MapFileTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final long LEAF = 512L * BLOCK;
    private static final int LEAVES = 10_000;
    private static final long VOLUME_BYTES = LEAVES * LEAF;
    private static final VolumeId VOLUME = new VolumeId(1, 1);

    private final SimulatedStore simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT.withBallast(0));

    private Volume open() {
        return simulated.await(simulated.store().open(VOLUME));
    }

    /** A block of zeroes in each leaf takes a page of the map and nothing else. */
    private void fill(Volume volume) {
        CompletableFuture<IoStatus> last = new CompletableFuture<>();
        volume.loop().execute(() -> {
            for (int i = 0; i < LEAVES; i++) {
                boolean end = i == LEAVES - 1;
                volume.writeZeroes(i * LEAF, BLOCK, true, false, status -> {
                    if (end) {
                        last.complete(status);
                    }
                });
            }
            volume.submit();
        });
        assertThat(simulated.await(last)).isEqualTo(IoStatus.OK);
        simulated.await(simulated.store().checkpoint());
    }

    private void trim(Volume volume) {
        assertThat(simulated.call(volume, (opened, done) -> opened.trim(0, VOLUME_BYTES, false, done)))
                .isEqualTo(IoStatus.OK);
    }

    private long mapBytes() {
        return simulated.disk.allocatedBytes(StoreOpening.MAP_FILE);
    }

    @Test
    void whatNothingIsInIsGivenBackAtRestAndIsThereWhenItIsNeededAgain() {
        simulated.await(simulated.store().createVolume(VOLUME, VOLUME_BYTES));
        Volume volume = open();
        for (int round = 0; round < 3; round++) {
            fill(volume);
            long full = mapBytes();
            assertThat(full).isGreaterThan(4 << 20);

            trim(volume);
            simulated.rest(30);

            assertThat(mapBytes()).isLessThanOrEqualTo(3 << 20);
        }
        fill(volume);
        assertEveryLeafIsThere(volume);
        simulated.store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }

    @Test
    void aPowerLossAtAnyTimeMeanwhileLosesNothing() {
        simulated.await(simulated.store().createVolume(VOLUME, VOLUME_BYTES));
        Volume volume = open();
        fill(volume);
        for (int crash = 1; crash < 120; crash += 17) {
            trim(volume);
            simulated.powerLossWithin(crash, 20);
            volume = open();
            fill(volume);
            assertEveryLeafIsThere(volume);
            assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
            simulated.powerLoss();
            volume = open();
            assertEveryLeafIsThere(volume);
        }
        simulated.store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }

    /** XFS on a full disk has no room even for blocks that are there already. */
    @Test
    void aFileWithoutHolesIsUsedAsItIsAfterARestart() {
        simulated.await(simulated.store().createVolume(VOLUME, VOLUME_BYTES));
        fill(open());
        trim(open());
        for (int i = 0; i < 3; i++) {
            simulated.await(simulated.store().checkpoint());
        }
        assertThat(mapBytes()).as("nothing was given back yet").isGreaterThan(4 << 20);

        simulated.powerLoss();
        simulated.disk.failEvery(SimulatedDisk.Operation.ALLOCATE, StoreOpening.MAP_FILE);
        Volume volume = open();
        fill(volume);

        assertEveryLeafIsThere(volume);
    }

    private void assertEveryLeafIsThere(Volume volume) {
        Extents extents = new Extents();
        for (int from = 0; from < LEAVES; from += 500) {
            long offset = from * LEAF;
            assertThat(simulated.call(
                            volume, (opened, done) -> opened.blockStatus(offset, 500 * LEAF, 1000, extents, done)))
                    .isEqualTo(IoStatus.OK);
            assertThat(extents.size()).as("a block and a hole in each leaf").isEqualTo(1000);
        }
    }
}
