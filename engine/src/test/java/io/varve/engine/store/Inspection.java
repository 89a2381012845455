package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.Finding;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreUsage;
import io.varve.engine.Volume;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeStatus;
import io.varve.engine.store.Requests.Content;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Holds what a store has after a start against what it was told before, and takes that as the next life's beginning.
 */
final class Inspection {
    private static final int CHECKPOINTS_TO_REST = 40;

    private final SimulatedWorld world;
    private final Requests requests;

    Inspection(SimulatedWorld world) {
        this.world = world;
        this.requests = new Requests(world);
    }

    /** @param keptAcknowledged true if everything acknowledged must be there, not only what was flushed */
    void inspect(boolean keptAcknowledged) {
        if (world.commitBack) {
            deleteWhatCameBack();
        }
        world.snapshots.forEach(this::requireWholeGroup);
        world.snapshots.removeIf(shot -> isGone(
                shot.id.toString(),
                shot.created,
                shot.deleting,
                world.store.snapshot(shot.id).isPresent()));
        world.volumes.removeIf(volume -> isGone(
                volume.id.toString(),
                volume.created,
                volume.deleting,
                world.store.volume(volume.id).isPresent()));
        assertThat(world.store.snapshots()).hasSize(world.snapshots.size());
        assertThat(world.store.volumes()).hasSize(world.volumes.size());
        if (world.random.nextInt(8) == 0) {
            recount();
        }
        world.snapshots.forEach(this::inspect);
        world.volumes.forEach(volume -> inspect(volume, keptAcknowledged));
    }

    /** Snapshots that were asked for together are there together; an answer tells that they are. */
    private void requireWholeGroup(ModelSnapshot shot) {
        boolean sure = !shot.created && !world.commitBack && !world.plan.hasIoFaults();
        if (sure) {
            long there = shot.group.stream()
                    .filter(one -> world.store.snapshot(one.id).isPresent())
                    .count();
            assertThat(there)
                    .as("of %d snapshots taken together", shot.group.size())
                    .isIn(0L, (long) shot.group.size());
        }
    }

    /** Deletions that were undone with the last commit are made again. */
    private void deleteWhatCameBack() {
        for (VolumeRecord record : world.store.volumes()) {
            if (world.volumes.stream().noneMatch(volume -> volume.id.equals(record.id()))) {
                world.await(world.store.deleteVolume(record.id()));
            }
        }
        for (SnapshotRecord record : world.store.snapshots()) {
            if (world.snapshots.stream().noneMatch(shot -> shot.id.equals(record.id()))) {
                world.await(world.store.deleteSnapshot(record.id()));
            }
        }
    }

    /** What the tables count is what is there. */
    private void recount() {
        assertThat(StoreInspection.check(world.disk, true).findings())
                .as("a recount from scratch")
                .noneMatch(finding -> finding.severity() != Finding.Severity.NOTE);
    }

    /** What was created is there and what was deleted is gone; a call cut short may have done its work or not. */
    private boolean isGone(String what, boolean created, boolean deleting, boolean found) {
        if (created && !deleting && !world.commitBack) {
            assertThat(found).as("%s was created and is there", what).isTrue();
        }
        return !found;
    }

    private void inspect(ModelSnapshot shot) {
        shot.settle(shot.of);
        shot.created = true;
        shot.deleting = false;
        shot.users = 0;
        shot.sizeBytes = world.store.snapshot(shot.id).orElseThrow().sizeBytes();
        Content found = read(shot);
        shot.check(found.stamps);
    }

    private void inspect(ModelVolume volume, boolean keptAcknowledged) {
        long size = world.store.volume(volume.id).orElseThrow().sizeBytes();
        if (!world.commitBack) {
            assertThat(size).isIn(volume.sizeBytes, volume.askedSizeBytes);
        }
        volume.sizeBytes = size;
        volume.askedSizeBytes = size;
        Content found = read(volume);
        VolumeStatus status = world.store.volume(volume.id).orElseThrow().status();
        assertThat(status.health())
                .as("%s says: %s", volume.id, status.detail())
                .isEqualTo(VolumeStatus.Health.OK);
        if (keptAcknowledged) {
            volume.history.keepAcknowledged();
        }
        try {
            volume.history.check(found.stamps, beyond(size));
        } catch (AssertionError e) {
            throw new AssertionError(volume.id + ": " + e.getMessage(), e);
        }
        volume.history.restart(found.stamps);
        volume.forgetLife();
    }

    /** Sectors that the volume is too small for. */
    private boolean[] beyond(long size) {
        Regions regions = world.plan.regions();
        boolean[] beyond = new boolean[regions.sectors()];
        Arrays.fill(beyond, regions.sectorsWithin(size), beyond.length, true);
        return beyond;
    }

    Content read(ModelVolume volume) {
        return readAndRelease(world.await(world.store.open(volume.id)));
    }

    Content read(ModelSnapshot shot) {
        return readAndRelease(world.await(world.store.openSnapshot(shot.id)));
    }

    private Content readAndRelease(Volume open) {
        Content found = world.await(requests.readAll(open));
        world.checkCallbacks();
        open.release();
        return found;
    }

    /** Deletes all there is, in any order: no block and no page of a map may be left in use. */
    void everythingDeletedLeavesNothing() {
        world.where = "deleting everything";
        List<Runnable> deletions = new ArrayList<>();
        world.volumes.forEach(volume -> deletions.add(() -> world.await(world.store.deleteVolume(volume.id))));
        world.snapshots.forEach(shot -> deletions.add(() -> world.await(world.store.deleteSnapshot(shot.id))));
        while (!deletions.isEmpty()) {
            deletions.remove(world.random.nextInt(deletions.size())).run();
        }
        StoreUsage usage = world.store.usage();
        for (int i = 0; i < CHECKPOINTS_TO_REST && usage.liveBytes() + usage.mapBytes() > 0; i++) {
            world.await(world.store.checkpoint());
            usage = world.store.usage();
        }
        assertThat(usage.liveBytes()).as("live bytes of an empty store").isZero();
        assertThat(usage.mapBytes()).as("map bytes of an empty store").isZero();
    }
}
