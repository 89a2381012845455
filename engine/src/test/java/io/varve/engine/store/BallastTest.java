package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Another process fills the disk, in every state of the store: what was acknowledged stays readable, what gives space
 * back works, and writes go on by themselves when there is space (law 6).
 */
class BallastTest {
    private static final int STEP = 64 << 10;
    private static final int STEPS = 200;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final long DISK_BYTES = 64 << 20;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final VolumeId OTHER = new VolumeId(1, 2);
    private static final SnapshotId SHOT = new SnapshotId(2, 1);

    private final SimulatedStore simulated =
            new SimulatedStore(DISK_BYTES, new StoreOptions(8 << 20, 16 << 20, 16 << 20, 16 << 20, 1 << 20));
    private Volume volume;

    @BeforeEach
    void write() {
        Volume other = create(OTHER);
        writeStepsFrom(other, 0, STEPS, 3);
        other.release();
        volume = create(VOLUME);
        writeStepsFrom(volume, 0, STEPS, 7);
        simulated.await(store().createSnapshot(SHOT, VOLUME));
    }

    @Test
    void theBallastIsAllocatedAndTold() {
        simulated.rest(2);

        assertThat(simulated.disk.allocatedBytes("ballast")).isEqualTo(DISK_BYTES / 16);
        assertThat(store().usage().reserveBytes()).isEqualTo(DISK_BYTES / 16);
    }

    @Test
    void aFullDiskRefusesWritesAndNothingElse() {
        fillDisk();

        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        check(volume, 7);
        assertThat(trim(volume, 0, STEPS / 2)).isEqualTo(IoStatus.OK);
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
    }

    @Test
    void aCheckpointIsWrittenOnAFullDisk() {
        fillDisk();

        simulated.await(store().checkpoint());

        assertThat(simulated.write(volume, 0, STEP, 9)).isEqualTo(IoStatus.ENOSPC);
        check(volume, 7);
    }

    @Test
    void aStoreIsRecoveredOnAFullDisk() {
        fillDisk();

        simulated.restart();

        Volume again = open(VOLUME);
        assertThat(again.readOnly()).isFalse();
        check(again, 7);
        assertThat(simulated.flush(again)).isEqualTo(IoStatus.OK);
    }

    @Test
    void aFreshlyOpenedVolumeIsTrimmedOnAFullDisk() {
        fillDisk();
        simulated.restart();

        Volume again = open(VOLUME);
        assertThat(trim(again, 0, STEPS)).isEqualTo(IoStatus.OK);
        simulated.await(store().deleteSnapshot(SHOT));
        simulated.rest(10);

        assertThat(simulated.write(again, 0, STEP, 9)).isEqualTo(IoStatus.OK);
    }

    @Test
    void trimsGoOnBeyondTheRoomThatTheSegmentKeepsForThem() {
        fillDisk();
        int blocks = STEPS * STEP / 4096;

        for (int i = 0; i < 1000; i++) {
            long block = i * 7L % blocks;
            assertThat(simulated.call(volume, (opened, done) -> opened.trim(block * 4096, 4096, false, done)))
                    .as("trim %d", i)
                    .isEqualTo(IoStatus.OK);
        }

        assertThat(simulated.write(volume, 0, 4096, 9)).isEqualTo(IoStatus.ENOSPC);
        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
    }

    @Test
    void deletedVolumesAndSnapshotsGiveTheirSpaceBackAndWritesGoOn() {
        fillDisk();

        simulated.await(store().deleteVolume(OTHER));
        simulated.rest(10);

        assertThat(store().usage().reserveBytes()).isEqualTo(DISK_BYTES / 16);
        writeStepsFrom(volume, 0, STEPS / 4, 9);

        fillDisk();
        simulated.await(store().deleteSnapshot(SHOT));
        simulated.rest(10);

        assertThat(store().usage().reserveBytes()).isEqualTo(DISK_BYTES / 16);
        writeStepsFrom(volume, 0, STEPS / 8, 11);
    }

    @Test
    void aTrimmedVolumeIsWrittenAgain() {
        simulated.await(store().deleteSnapshot(SHOT));
        fillDisk();

        assertThat(trim(volume, STEPS / 2, STEPS / 2)).isEqualTo(IoStatus.OK);
        simulated.rest(10);

        writeStepsFrom(volume, STEPS / 2, STEPS / 4, 9);
    }

    /**
     * No segment is free as a whole: what is live has to be moved together first, for which there is only the ballast.
     */
    @Test
    void spaceThatIsDeadInPartComesBackToo() {
        simulated.await(store().deleteSnapshot(SHOT));
        fillDisk();

        for (int i = 0; i < STEPS; i += 2) {
            assertThat(trim(volume, i, 1)).isEqualTo(IoStatus.OK);
        }
        simulated.rest(60);

        writeStepsFrom(volume, 0, STEPS / 8, 9);
    }

    @Test
    void writesGoOnWhenTheOtherProcessGivesSpaceBack() {
        fillDisk();
        assertThat(trim(volume, 0, 1)).isEqualTo(IoStatus.OK);
        simulated.await(store().checkpoint());

        simulated.disk.setCapacity(DISK_BYTES);

        writeStepsFrom(volume, 0, STEPS / 4, 9);
        simulated.rest(2);
        assertThat(store().usage().reserveBytes()).isEqualTo(DISK_BYTES / 16);
    }

    @Test
    void aSegmentThatCannotBePreparedLeavesNothingBehind() {
        fillDisk();
        long before = simulated.disk.allocatedBytes("segments/");

        for (int i = 0; i < 10; i++) {
            assertThat(simulated.write(volume, 0, STEP, 9)).isEqualTo(IoStatus.ENOSPC);
        }

        assertThat(simulated.disk.allocatedBytes("segments/")).isEqualTo(before);
    }

    @Test
    void newVolumesAreRefusedBeforeTheyEatTheBallast() {
        fillDisk();
        StoreException.Kind refused = null;
        for (int i = 0; i < 10_000 && refused == null; i++) {
            try {
                simulated.await(store().createVolume(new VolumeId(3, i), VOLUME_BYTES));
            } catch (CompletionException e) {
                refused = ((StoreException) e.getCause()).kind();
            }
        }

        assertThat(refused).isEqualTo(StoreException.Kind.NO_SPACE);
        assertThat(simulated.disk.allocatedBytes("ballast")).isEqualTo(DISK_BYTES / 16);
        simulated.await(store().deleteVolume(OTHER));
        check(volume, 7);
    }

    @Test
    void whoeverNeedsRoomForItsOwnFilesGetsAPieceUntilNothingIsLeft() {
        long pieces = DISK_BYTES / 16 >> 20;
        for (int i = 0; i < pieces; i++) {
            assertThat(simulated.await(store().yieldReserve())).isTrue();
        }
        assertThat(simulated.await(store().yieldReserve())).isFalse();
        assertThat(simulated.disk.allocatedBytes("ballast")).isZero();
    }

    /** Until the volume's segment is full too, so that the next write needs the disk. */
    private void fillDisk() {
        simulated.disk.fill();
        IoStatus status = IoStatus.OK;
        for (int i = 0; i < 4 * STEPS && status == IoStatus.OK; i++) {
            status = simulated.write(volume, (long) (i % STEPS) * STEP, STEP, 7);
        }
        assertThat(status).isEqualTo(IoStatus.ENOSPC);
    }

    private BlockStore store() {
        return simulated.store();
    }

    private Volume create(VolumeId id) {
        simulated.await(store().createVolume(id, VOLUME_BYTES));
        return open(id);
    }

    private Volume open(VolumeId id) {
        return simulated.await(store().open(id));
    }

    private void writeStepsFrom(Volume to, int firstStep, int steps, int value) {
        for (int i = firstStep; i < firstStep + steps; i++) {
            simulated.awaitWritable(to);
            assertThat(simulated.write(to, (long) i * STEP, STEP, value))
                    .as("step %d", i)
                    .isEqualTo(IoStatus.OK);
        }
    }

    private IoStatus trim(Volume of, int firstStep, int steps) {
        return simulated.call(
                of, (opened, done) -> opened.trim((long) firstStep * STEP, (long) steps * STEP, true, done));
    }

    private void check(Volume of, int value) {
        for (int i = 0; i < STEPS; i++) {
            ByteBuffer into = ByteBuffer.allocateDirect(STEP);
            long offset = (long) i * STEP;
            assertThat(simulated.call(of, (opened, done) -> opened.read(offset, into, done)))
                    .isEqualTo(IoStatus.OK);
            assertThat(into).isEqualTo(SimulatedStore.filled(STEP, value));
        }
    }
}
