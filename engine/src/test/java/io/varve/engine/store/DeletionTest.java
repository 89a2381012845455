package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.io.SimulatedDisk.Operation;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Deletions on a device that fails for a while give everything back in the end. */
class DeletionTest {
    private static final int BLOCK = 4096;
    private static final long LEAF = 2 << 20;
    private static final int LEAVES = 30;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final SnapshotId FIRST = new SnapshotId(2, 1);
    private static final SnapshotId SECOND = new SnapshotId(2, 2);

    private final SimulatedStore simulated = new SimulatedStore(1L << 28, StoreOptions.DEFAULT);

    private void writeLeaves(Volume volume, int value) {
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            assertThat(simulated.write(volume, leaf * LEAF, BLOCK, value)).isEqualTo(IoStatus.OK);
        }
    }

    /** Two snapshots, the second of which is held against the volume itself. */
    private void writeAndTakeSnapshots() {
        simulated.await(simulated.store().createVolume(VOLUME, 1L << 30));
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        writeLeaves(volume, 1);
        simulated.await(simulated.store().createSnapshot(FIRST, VOLUME));
        writeLeaves(volume, 2);
        simulated.await(simulated.store().createSnapshot(SECOND, VOLUME));
        writeLeaves(volume, 3);
        volume.release();
        simulated.await(simulated.store().checkpoint());
    }

    private void deleteSnapshots() {
        simulated.await(simulated.store().deleteSnapshot(FIRST));
        simulated.await(simulated.store().deleteSnapshot(SECOND));
    }

    @Test
    void spaceUnderPagesThatCannotBeReadForAWhileComesBackLater() {
        writeAndTakeSnapshots();
        simulated.disk.failEvery(Operation.READ, "map");
        deleteSnapshots();
        simulated.rest(3);
        assertThat(simulated.store().usage().liveBytes()).isGreaterThan((long) LEAVES * BLOCK);
        simulated.disk.heal();

        simulated.rest(10);

        assertThat(simulated.store().usage().liveBytes()).isEqualTo((long) LEAVES * BLOCK);
        checkCounts();
    }

    @Test
    void anySingleReadMayFail() {
        for (int nth = 1; nth < 120; nth += 3) {
            SimulatedStore another = new DeletionTest().deleteEverythingWithAFailureOf(nth);
            assertThat(another.store().usage().liveBytes())
                    .as("live with read %d failing", nth)
                    .isZero();
            assertThat(another.store().usage().mapBytes())
                    .as("map with read %d failing", nth)
                    .isZero();
        }
    }

    private SimulatedStore deleteEverythingWithAFailureOf(int nthRead) {
        writeAndTakeSnapshots();
        simulated.disk.failNth(Operation.READ, "map", nthRead);
        deleteSnapshots();
        simulated.rest(4);
        simulated.await(simulated.store().deleteVolume(VOLUME));
        simulated.rest(8);
        return simulated;
    }

    /** One bad page must not keep all that is deleted later. */
    @Test
    void aPageThatStaysUnreadableIsPassedOver() {
        writeAndTakeSnapshots();
        simulated.disk.failEvery(Operation.READ, "map");

        deleteSnapshots();
        simulated.rest(60);

        simulated.disk.heal();
        simulated.await(simulated.store().deleteVolume(VOLUME));
        simulated.rest(8);
        assertThat(simulated.store().usage().liveBytes()).isLessThanOrEqualTo(2L * LEAVES * BLOCK);
    }

    /** A pass over what clones have left of a deleted snapshot writes pages that nothing points at if it fails. */
    @Test
    void placesOfPagesThatCouldNotBeWrittenComeBack() {
        VolumeId cloneId = new VolumeId(1, 2);
        for (int nth = 1; nth < 12; nth++) {
            DeletionTest story = new DeletionTest();
            SimulatedStore another = story.simulated;
            story.writeAndTakeSnapshots();
            another.await(another.store().cloneVolume(cloneId, 1L << 30, SECOND));
            story.deleteSnapshots();
            Volume clone = another.await(another.store().open(cloneId));
            story.writeLeaves(clone, 5);
            clone.release();
            another.await(another.store().checkpoint());
            another.disk.failNth(Operation.WRITE, "map", nth);
            another.rest(70);
            another.disk.heal();
            another.restart();

            another.await(another.store().deleteVolume(VOLUME));
            another.await(another.store().deleteVolume(cloneId));
            another.rest(10);

            assertThat(another.store().usage().liveBytes()).as("write %d", nth).isZero();
            assertThat(another.store().usage().mapBytes()).as("write %d", nth).isZero();
        }
    }

    /** What is in memory then is not what the disk has, and must not get there by the next commit. */
    @Test
    void nothingIsCommittedAfterACommitThatFailed() {
        writeAndTakeSnapshots();
        SnapshotId third = new SnapshotId(2, 3);
        writeLeaves(simulated.await(simulated.store().open(VOLUME)), 4);
        simulated.await(simulated.store().createSnapshot(third, VOLUME)); // it stands in the log only
        simulated.disk.failNext(Operation.WRITE, "map");

        CompletableFuture<Void> first = simulated.store().deleteSnapshot(FIRST);
        CompletableFuture<Void> needsACheckpoint = simulated.store().deleteSnapshot(third);
        CompletableFuture<Object> both = first.handle((done, failure) -> null)
                .thenCombine(needsACheckpoint.handle((done, failure) -> null), (a, b) -> "answered");
        assertThat(simulated.await(both)).isEqualTo("answered");

        assertThat(needsACheckpoint).isCompletedExceptionally();
        assertThat(first).isCompletedExceptionally();
        simulated.restart();
        assertThat(simulated.store().snapshots()).hasSize(3);
    }

    private void checkCounts() {
        simulated.store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }
}
