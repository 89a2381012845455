package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** On a disk of which four fifths are live, overwriting goes on: dead space comes back before the disk is full. */
class CrowdedDiskTest {
    private static final int BLOCK = 4096;
    private static final int DISK_BYTES = 80 << 20;
    private static final int BLOCKS = (64 << 20) / BLOCK;
    private static final int MOST_SECONDS = 60;
    private static final VolumeId ID = new VolumeId(1, 1);

    private final SimulatedStore simulated = new SimulatedStore(
            DISK_BYTES, new StoreOptions(8 << 20, 8 << 20, 8 << 20, 4 << 20, 1 << 20).withBallast(1 << 20));
    private final SplittableRandom random = new SplittableRandom(1);

    @Test
    void aVolumeIsOverwrittenAtRandomWhileItFillsFourFifthsOfTheDisk() {
        simulated.await(simulated.store().createVolume(ID, 1L << 30));
        Volume volume = simulated.await(simulated.store().open(ID));
        for (int block = 0; block < BLOCKS; block++) {
            assertThat(simulated.write(volume, (long) block * BLOCK, BLOCK, 1 + block % 100))
                    .isEqualTo(IoStatus.OK);
        }
        for (int i = 0; i < 3 * BLOCKS; i++) {
            waitForRoom(volume);
            int block = random.nextInt(BLOCKS);
            assertThat(simulated.write(volume, (long) block * BLOCK, BLOCK, 1 + random.nextInt(100)))
                    .as("write %d", i)
                    .isEqualTo(IoStatus.OK);
        }
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        assertThat(simulated.store().compaction().blocksCopied.sum()).isPositive();
    }

    /** As servers do. */
    private void waitForRoom(Volume volume) {
        for (int seconds = 0; volume.congested(); seconds++) {
            assertThat(seconds).as("seconds without room").isLessThan(MOST_SECONDS);
            simulated.rest(1);
        }
    }
}
