package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a store does with one volume does not cost more because there are many others. */
class ManyVolumesTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int VOLUMES = 300;

    private final SimulatedStore simulated = new SimulatedStore(4L << 30, StoreOptions.DEFAULT);

    private List<Volume> writtenVolumes(int count) {
        List<Volume> volumes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            VolumeId id = new VolumeId(1, i);
            simulated.await(simulated.store().createVolume(id, 1L << 30));
            Volume volume = simulated.await(simulated.store().open(id));
            assertThat(simulated.write(volume, 0, BLOCK, 1 + i % 100)).isEqualTo(IoStatus.OK);
            volumes.add(volume);
        }
        simulated.await(simulated.store().checkpoint());
        return volumes;
    }

    @Test
    void aCheckpointCostsWhatWasChanged() {
        List<Volume> volumes = writtenVolumes(VOLUMES);
        simulated.await(simulated.store().checkpoint());
        simulated.write(volumes.get(7), BLOCK, BLOCK, 5);
        long syncs = simulated.disk.syncs();
        long bytes = simulated.disk.bytesWritten();

        simulated.await(simulated.store().checkpoint());

        assertThat(simulated.disk.syncs() - syncs).as("syncs").isLessThanOrEqualTo(4);
        assertThat(simulated.disk.bytesWritten() - bytes).as("bytes").isLessThan(64 << 10);
    }

    @Test
    void thatWereAllOpenShareTheCommitsOfTheirRecovery() {
        List<Volume> volumes = writtenVolumes(VOLUMES);
        for (Volume volume : volumes) {
            simulated.write(volume, BLOCK, BLOCK, 3);
        }
        long before = simulated.disk.syncs();

        simulated.restart();

        long logs = VOLUMES;
        assertThat(simulated.disk.syncs() - before).isLessThan(logs + 20);
        for (int i = 0; i < VOLUMES; i += 50) {
            Volume volume = simulated.await(simulated.store().open(new VolumeId(1, i)));
            ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
            assertThat(simulated.call(volume, (opened, done) -> opened.read(BLOCK, into, done)))
                    .isEqualTo(IoStatus.OK);
            assertThat(into).isEqualTo(SimulatedStore.filled(BLOCK, 3));
        }
    }

    @Test
    void thatWereAllOpenShareTheMemoryOfTheirRecovery() {
        writtenVolumes(VOLUMES);
        System.gc();
        long before = directBytes();

        simulated.restart();

        assertThat(directBytes() - before)
                .as("direct memory that recovery has left behind")
                .isLessThan(32 << 20);
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getTotalCapacity)
                .sum();
    }

    @Test
    void thatNobodyHoldsAreClosedTogether() {
        for (Volume volume : writtenVolumes(VOLUMES)) {
            volume.release();
        }
        simulated.await(simulated.store().checkpoint());
        long before = simulated.disk.syncs();

        VolumeId another = new VolumeId(2, 1);
        simulated.await(simulated.store().createVolume(another, 1L << 30));
        simulated.await(simulated.store().open(another));

        assertThat(simulated.disk.syncs() - before).isLessThan(10);
    }
}
