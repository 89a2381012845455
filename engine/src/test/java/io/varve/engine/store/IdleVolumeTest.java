package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedCrash;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A volume that is not written for a while gives back what was allocated for its log, and is written again as before.
 */
class IdleVolumeTest {
    private static final int STEP = 64 << 10;
    /** So much that segments have grown to 16 MiB. */
    private static final int STEPS = 24 * 16;

    private static final long POOL_BYTES = 16 << 20;
    private static final VolumeId VOLUME = new VolumeId(1, 1);

    private final SimulatedStore simulated = store();
    private Volume volume;

    private static SimulatedStore store() {
        return new SimulatedStore(1L << 30, new StoreOptions(8 << 20, 64 << 20, 64 << 20, 64 << 20, 16 << 20));
    }

    @BeforeEach
    void write() {
        volume = written(simulated);
    }

    private static Volume written(SimulatedStore in) {
        in.await(in.store().createVolume(VOLUME, 1L << 30));
        Volume opened = in.await(in.store().open(VOLUME));
        writeSteps(in, opened, 0, STEPS, 7);
        return opened;
    }

    @Test
    void theUnusedEndOfTheLogGoesBackToTheFileSystem() {
        long live = (long) STEPS * STEP;
        assertThat(segmentBytes()).isGreaterThan(live + (8 << 20));

        simulated.rest(10);

        assertThat(segmentBytes()).isLessThan(live + live / 10 + POOL_BYTES / 4);
        check(simulated, volume, 0, STEPS, 7);
    }

    @Test
    void theNextWriteBeginsTheLogAnew() {
        for (int i = 0; i < 4; i++) {
            simulated.rest(10);
            writeSteps(simulated, volume, i * 8, 80, 20 + i);
        }
        simulated.restart();

        volume = simulated.await(simulated.store().open(VOLUME));
        check(simulated, volume, 0, 8, 20);
        check(simulated, volume, 24, 80, 23);
        check(simulated, volume, 104, STEPS - 104, 7);
    }

    @Test
    void aSnapshotIsTakenOfAParkedVolume() {
        simulated.rest(10);
        SnapshotId id = new SnapshotId(2, 1);

        simulated.await(simulated.store().createSnapshot(id, VOLUME));
        writeSteps(simulated, volume, 0, STEPS, 9);
        simulated.rest(10);

        check(simulated, simulated.await(simulated.store().openSnapshot(id)), 0, STEPS, 7);
        check(simulated, volume, 0, STEPS, 9);
    }

    @Test
    void flushesAndTrimsOfAParkedVolumeAreAnswered() {
        simulated.rest(10);

        assertThat(simulated.flush(volume)).isEqualTo(IoStatus.OK);
        assertThat(simulated.call(volume, (opened, done) -> opened.trim(0, (long) STEPS * STEP, true, done)))
                .isEqualTo(IoStatus.OK);
        check(simulated, volume, 0, STEPS, 0);
    }

    @Test
    void whenAllIsTrimmedOnlyAFewRecycledFilesStay() {
        assertThat(simulated.call(volume, (opened, done) -> opened.trim(0, (long) STEPS * STEP, true, done)))
                .isEqualTo(IoStatus.OK);

        simulated.rest(30);

        assertThat(segmentBytes()).isLessThanOrEqualTo(POOL_BYTES);
        assertThat(simulated.store().usage().liveBytes()).isZero();
    }

    /** Either superblock opens the store, wherever parking and beginning anew are cut off. */
    @Test
    void powerLossAnywhereAroundParkingLosesNothing() {
        for (int crash = 1; crash < 60; crash++) {
            SimulatedStore another = store();
            Volume opened = written(another);
            assertThat(another.flush(opened)).isEqualTo(IoStatus.OK);
            boolean wroteAgain = parkAndWriteUntilPowerLoss(another, opened, crash);

            Volume again = another.await(another.store().open(VOLUME));
            assertThat(again.readOnly()).as("crash %d", crash).isFalse();
            check(another, again, 1, STEPS - 1, 7);
            if (wroteAgain) {
                check(another, again, 0, 1, 9);
            }
            writeSteps(another, again, 0, STEPS, 11);
            another.restart();
            check(another, another.await(another.store().open(VOLUME)), 0, STEPS, 11);
        }
    }

    /** Every second superblock is lost too, so that the older one has to do. */
    @Test
    void theOlderSuperblockOpensAParkedStore() {
        for (String lost : new String[] {"superblock-a", "superblock-b"}) {
            SimulatedStore another = store();
            Volume opened = written(another);
            another.rest(10);
            writeSteps(another, opened, 0, 2, 9);
            assertThat(another.flush(opened)).isEqualTo(IoStatus.OK);

            another.disk.setDeviceBytes(lost, 0, new byte[4096]);
            another.disk.dropCleanPages();
            another.restart();

            Volume again = another.await(another.store().open(VOLUME));
            assertThat(again.readOnly()).as(lost).isFalse();
            check(another, again, 0, 2, 9);
            check(another, again, 2, STEPS - 2, 7);
            writeSteps(another, again, 0, STEPS, 11);
            check(another, again, 0, STEPS, 11);
        }
    }

    private static boolean parkAndWriteUntilPowerLoss(SimulatedStore in, Volume opened, int operations) {
        boolean wroteAgain = false;
        in.disk.crashAfter(operations);
        try {
            in.rest(10);
            assertThat(in.write(opened, 0, STEP, 9)).isEqualTo(IoStatus.OK);
            wroteAgain = in.flush(opened) == IoStatus.OK;
            in.rest(10);
        } catch (SimulatedCrash expected) {
            // in the middle of something
        }
        in.powerLoss();
        return wroteAgain;
    }

    private long segmentBytes() {
        return simulated.disk.allocatedBytes("segments/");
    }

    private static void writeSteps(SimulatedStore in, Volume to, int firstStep, int steps, int value) {
        for (int i = firstStep; i < firstStep + steps; i++) {
            assertThat(in.write(to, (long) i * STEP, STEP, value)).isEqualTo(IoStatus.OK);
        }
    }

    private static void check(SimulatedStore in, Volume of, int firstStep, int steps, int value) {
        for (int i = firstStep; i < firstStep + steps; i++) {
            ByteBuffer into = ByteBuffer.allocateDirect(STEP);
            long offset = (long) i * STEP;
            assertThat(in.call(of, (opened, done) -> opened.read(offset, into, done)))
                    .isEqualTo(IoStatus.OK);
            assertThat(into).as("step %d", i).isEqualTo(SimulatedStore.filled(STEP, value));
        }
    }
}
