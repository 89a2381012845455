package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.SimulatedDisk.Operation;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** A log that failed costs what was not flushed, and nothing else (law 5). */
class FailedLogTest {
    private static final int BLOCK = 4096;
    private static final int STEP = 64 << 10;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final VolumeId OTHER = new VolumeId(1, 2);
    private static final SnapshotId SNAPSHOT = new SnapshotId(2, 1);

    /** The log ends at the freeze; whether that stands is known only when its last part is on the device. */
    @Test
    void aLogThatCouldNotBeParkedIsNotBegunAnew() {
        for (int seed = 0; seed < 30; seed++) {
            SimulatedStore simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT, seed);
            Volume volume = create(simulated, VOLUME);
            for (int i = 0; i < 40; i++) {
                assertThat(simulated.write(volume, (long) i * STEP, STEP, 7)).isEqualTo(IoStatus.OK);
            }
            assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
            assertThat(simulated.write(volume, 0, BLOCK, 8)).as("not flushed").isEqualTo(IoStatus.OK);
            String files = "segments/(" + String.join("|", simulated.disk.list("segments")) + ")";
            simulated.disk.failNext(
                    Operation.SYNC,
                    files,
                    () -> volume.loop().execute(() -> {
                        volume.write(BLOCK, SimulatedStore.filled(BLOCK, 9), false, status -> {});
                        volume.submit();
                    }));
            Volume busy = create(simulated, OTHER); // keeps the store from resting, not the volume
            for (int i = 0; i < 8; i++) {
                simulated.rest(1);
                assertThat(simulated.write(busy, 0, BLOCK, i)).isEqualTo(IoStatus.OK);
            }
            assertThat(simulated.store().volume(VOLUME).orElseThrow().status().health())
                    .isEqualTo(VolumeStatus.Health.FAILED);

            simulated.disk.dropCleanPages();
            simulated.restart();

            Volume again = simulated.await(simulated.store().open(VOLUME));
            for (int i = 1; i < 40; i++) {
                assertThat(read(simulated, again, (long) i * STEP))
                        .as("seed %d, step %d", seed, i)
                        .isEqualTo(7);
            }
        }
    }

    @Test
    void aVolumeThatCouldNotBeRecoveredAtFirstIsDeletedWithoutTheSnapshotsInItsLog() {
        SimulatedStore simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT);
        Volume volume = create(simulated, VOLUME);
        assertThat(simulated.write(volume, 0, BLOCK, 7)).isEqualTo(IoStatus.OK);
        simulated.await(simulated.store().createSnapshot(SNAPSHOT, VOLUME));
        simulated.disk.failEvery(Operation.READ, "segments/.*");
        simulated.restart();
        assertThat(simulated.store().snapshots()).as("nobody knows of it").isEmpty();
        simulated.disk.heal();

        simulated.await(simulated.store().deleteVolume(VOLUME));

        Volume snapshot = simulated.await(simulated.store().openSnapshot(SNAPSHOT));
        assertThat(read(simulated, snapshot, 0)).isEqualTo(7);
    }

    @Test
    void aVolumeThatCanNeverBeRecoveredCanBeDeleted() {
        SimulatedStore simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT);
        Volume volume = create(simulated, VOLUME);
        assertThat(simulated.write(volume, 0, BLOCK, 7)).isEqualTo(IoStatus.OK);
        simulated.disk.failEvery(Operation.READ, "segments/.*");
        simulated.restart();
        assertThatThrownBy(() -> simulated.await(simulated.store().open(VOLUME)))
                .hasMessageContaining("recovered");

        simulated.await(simulated.store().deleteVolume(VOLUME));

        assertThat(simulated.store().volumes()).isEmpty();
    }

    /** What it had appended is never written back, and must not count against the others. */
    @Test
    void otherVolumesAreNotCongestedForever() {
        SimulatedStore simulated =
                new SimulatedStore(1L << 28, new StoreOptions(8 << 20, 64 << 20, 64 << 20, 512 << 10, 16 << 20));
        Volume volume = create(simulated, VOLUME);
        for (int i = 0; i < 10; i++) {
            assertThat(simulated.write(volume, (long) i * STEP, STEP, 7)).isEqualTo(IoStatus.OK);
        }
        Volume other = create(simulated, OTHER);
        assertThat(other.congested()).isTrue();
        simulated.disk.failNext(Operation.SYNC, "segments/.*");

        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.EIO);
        volume.release();
        simulated.rest(10);

        assertThat(other.congested()).isFalse();
    }

    private static Volume create(SimulatedStore in, VolumeId id) {
        in.await(in.store().createVolume(id, 1L << 30));
        return in.await(in.store().open(id));
    }

    private static int read(SimulatedStore in, Volume from, long offset) {
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        assertThat(in.call(from, (opened, done) -> opened.read(offset, into, done)))
                .isEqualTo(IoStatus.OK);
        return into.get(0);
    }
}
