package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import org.junit.jupiter.api.Test;

/** What a volume or a snapshot is said to use is what it uses now. */
class UsedBytesTest {
    private static final int STEP = 64 << 10;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final VolumeId CLONE = new VolumeId(1, 2);
    private static final SnapshotId EARLY = new SnapshotId(2, 1);
    private static final SnapshotId LATE = new SnapshotId(2, 2);

    private final SimulatedStore simulated =
            new SimulatedStore(256 << 20, new StoreOptions(8 << 20, 64 << 20, 64 << 20, 64 << 20, 4 << 20));
    private final Volume volume = create();

    @Test
    void aWriteAndASmallTrimShowAtOnce() {
        write(0, 4);
        assertThat(used(VOLUME)).isEqualTo(4 * STEP);

        write(2, 4);
        assertThat(used(VOLUME)).isEqualTo(6 * STEP);

        trim(0, 1);
        assertThat(used(VOLUME)).isEqualTo(5 * STEP);
    }

    @Test
    void aFreshSnapshotShowsWhatItHolds() {
        write(0, 4);
        simulated.await(simulated.store().createSnapshot(EARLY, VOLUME));
        write(4, 4);
        assertThat(used(EARLY)).isEqualTo(4 * STEP);
        assertThat(used(VOLUME)).isEqualTo(8 * STEP);

        simulated.await(simulated.store().checkpoint());
        assertThat(used(EARLY)).isEqualTo(4 * STEP);
    }

    @Test
    void whatATrimCutOffIsCountedOutOfSnapshotsAndClonesTakenAfterIt() {
        write(0, 4 * 32);
        simulated.await(simulated.store().createSnapshot(EARLY, VOLUME));
        simulated.await(simulated.store().checkpoint());

        trim(32, 2 * 32);
        simulated.await(simulated.store().createSnapshot(LATE, VOLUME));
        simulated.await(simulated.store().cloneVolume(CLONE, 1L << 30, LATE));
        settle();

        assertThat(used(EARLY)).isEqualTo(4 * 32 * STEP);
        assertThat(used(VOLUME)).isEqualTo(2 * 32 * STEP);
        assertThat(used(LATE)).isEqualTo(2 * 32 * STEP);
        assertThat(used(CLONE)).isEqualTo(2 * 32 * STEP);
    }

    private Volume create() {
        simulated.await(simulated.store().createVolume(VOLUME, 1L << 30));
        return simulated.await(simulated.store().open(VOLUME));
    }

    private void write(int firstStep, int steps) {
        for (int i = firstStep; i < firstStep + steps; i++) {
            assertThat(simulated.write(volume, (long) i * STEP, STEP, 7)).isEqualTo(IoStatus.OK);
        }
    }

    private void trim(int firstStep, int steps) {
        assertThat(simulated.call(
                        volume,
                        (opened, done) -> opened.trim((long) firstStep * STEP, (long) steps * STEP, false, done)))
                .isEqualTo(IoStatus.OK);
    }

    /** Lets reclaim catch up. */
    private void settle() {
        for (int i = 0; i < 6; i++) {
            simulated.await(simulated.store().checkpoint());
        }
    }

    private long used(VolumeId id) {
        return simulated.store().usage(id).usedBytes();
    }

    private long used(SnapshotId id) {
        return simulated.store().usage(id).usedBytes();
    }
}
