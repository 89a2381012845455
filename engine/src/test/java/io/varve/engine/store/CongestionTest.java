package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.SimulatedDisk.Operation;
import io.varve.engine.map.Frame;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Requests wait while changed pages crowd the map's memory. They go on when a checkpoint has written the pages, however
 * often it failed before, and are answered when the disk is full or none will ever be written.
 */
@ExtendWith(QuietEngine.class)
class CongestionTest {
    private static final int BLOCK = 4096;
    private static final long LEAF = 2 << 20;
    private static final long VOLUME_BYTES = 1L << 33;
    private static final long DISK_BYTES = 1L << 28;
    private static final int FRAMES = 1024;
    /** Pages of each of two volumes, together far more than the budget and a quarter. */
    private static final int CROWD = FRAMES;

    private static final VolumeId GREEDY = new VolumeId(1, 1);
    private static final VolumeId OTHER = new VolumeId(1, 2);

    private final SimulatedStore simulated = new SimulatedStore(
            DISK_BYTES,
            new StoreOptions((long) FRAMES * Frame.BYTES, 64 << 20, 64 << 20, 64 << 20, 1 << 20).withBallast(0));
    private final Volume greedy = create(GREEDY);
    private final Volume other = create(OTHER);

    private Volume create(VolumeId id) {
        simulated.await(simulated.store().createVolume(id, VOLUME_BYTES));
        Volume opened = simulated.await(simulated.store().open(id));
        assertThat(zero(opened)).as("its log has begun").isEqualTo(IoStatus.OK);
        return opened;
    }

    private IoStatus zero(Volume volume) {
        return simulated.call(volume, (opened, done) -> opened.writeZeroes(0, BLOCK, true, false, done));
    }

    /** Changes so many pages of each in one turn, without a checkpoint between. */
    private void change(List<Volume> volumes, int leaves) {
        for (Volume volume : volumes) {
            for (int leaf = 0; leaf < leaves; leaf++) {
                volume.writeZeroes(leaf * LEAF, LEAF - BLOCK, true, false, status -> {});
            }
            volume.submit();
        }
    }

    /** Crowds the memory and waits as a server does; the answers come when it is over. */
    private List<CompletableFuture<Boolean>> crowd(List<Volume> volumes, int leaves) {
        CompletableFuture<Boolean> waiting = new CompletableFuture<>();
        List<CompletableFuture<Boolean>> writable =
                volumes.stream().map(volume -> new CompletableFuture<Boolean>()).toList();
        greedy.loop().execute(() -> {
            change(volumes, leaves);
            for (int i = 0; i < volumes.size(); i++) {
                CompletableFuture<Boolean> told = writable.get(i);
                volumes.get(i).whenWritable(() -> told.complete(true));
            }
            waiting.complete(volumes.stream().allMatch(Volume::congested));
        });
        assertThat(simulated.await(waiting)).as("all are congested").isTrue();
        return writable;
    }

    private VolumeStatus.Health health(VolumeId id) {
        return simulated.store().volume(id).orElseThrow().status().health();
    }

    private String segmentOf(VolumeId id) {
        return StorePages.segmentFile(simulated.disk, id);
    }

    /** There is no ballast. A full disk is an answer (law 6): changes are refused, and all else goes on. */
    @Test
    void aFullDiskIsToldToWhoeverChangesSomething() {
        long kept = LEAF - BLOCK;
        assertThat(simulated.write(greedy, kept, BLOCK, 7)).isEqualTo(IoStatus.OK);
        simulated.disk.fill();

        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy, other), CROWD);
        simulated.rest(3);

        assertThat(writable).allMatch(CompletableFuture::isDone);
        assertThat(greedy.congested()).isFalse();
        assertThat(zero(greedy)).isEqualTo(IoStatus.ENOSPC);
        assertThat(simulated.write(other, 0, BLOCK, 7)).isEqualTo(IoStatus.ENOSPC);
        assertThat(simulated.call(greedy, (opened, done) -> opened.trim(0, LEAF, false, done)))
                .isEqualTo(IoStatus.ENOSPC);
        ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
        assertThat(simulated.call(greedy, (opened, done) -> opened.read(kept, into, done)))
                .isEqualTo(IoStatus.OK);
        assertThat(into).isEqualTo(SimulatedStore.filled(BLOCK, 7));
        assertThat(simulated.flush(greedy)).isEqualTo(IoStatus.OK);

        simulated.disk.setCapacity(DISK_BYTES);
        simulated.rest(3);

        assertThat(zero(greedy)).isEqualTo(IoStatus.OK);
        assertThat(simulated.flush(greedy)).isEqualTo(IoStatus.OK);
    }

    @Test
    void theyGoOnWhenTheDiskFailsNoMore() {
        simulated.disk.failEvery(Operation.ALLOCATE, StoreOpening.MAP_FILE);
        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy, other), CROWD);
        simulated.rest(60);
        assertThat(writable).noneMatch(CompletableFuture::isDone);

        simulated.disk.heal();
        simulated.rest(3);

        assertThat(writable).allMatch(CompletableFuture::isDone);
        assertThat(zero(greedy)).isEqualTo(IoStatus.OK);
        assertThat(simulated.flush(greedy)).isEqualTo(IoStatus.OK);
    }

    /** Neither does the store come to rest, nor are there so many changed pages that each write asks for a checkpoint. */
    @Test
    void theyGoOnAfterAFailureAlsoWhileOthersWrite() {
        greedy.loop().execute(() -> change(List.of(other), FRAMES - 24));
        simulated.rest(4); // they are written, stay in memory, and the map's file keeps little that is free
        assertThat(zero(greedy)).as("its pages are in memory").isEqualTo(IoStatus.OK);
        simulated.disk.failEvery(Operation.ALLOCATE, StoreOpening.MAP_FILE);
        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy), FRAMES / 3 - 40);
        zeroEachSecond(10);
        assertThat(writable).noneMatch(CompletableFuture::isDone);

        simulated.disk.heal();
        zeroEachSecond(3);

        assertThat(writable).allMatch(CompletableFuture::isDone);
    }

    private void zeroEachSecond(int seconds) {
        for (int i = 0; i < seconds; i++) {
            assertThat(zero(other)).isEqualTo(IoStatus.OK);
            simulated.rest(1);
        }
    }

    /** Memory and disk are apart then: no checkpoint is written any more (law 5). */
    @Test
    void allAreAnsweredWhenPagesCannotBeWritten() {
        simulated.disk.failNext(Operation.WRITE, StoreOpening.MAP_FILE);

        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy, other), CROWD);
        simulated.rest(3);

        assertThat(writable).allMatch(CompletableFuture::isDone);
        assertThat(zero(greedy)).isEqualTo(IoStatus.EIO);
        assertThat(simulated.flush(other)).isEqualTo(IoStatus.EIO);
        assertThat(health(GREEDY)).isEqualTo(VolumeStatus.Health.FAILED);
        assertThat(health(OTHER)).isEqualTo(VolumeStatus.Health.FAILED);
    }

    @Test
    void allAreAnsweredWhenPagesCannotBeSynced() {
        simulated.disk.failNext(Operation.SYNC, StoreOpening.MAP_FILE);

        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy, other), CROWD);
        simulated.rest(3);

        assertThat(writable).allMatch(CompletableFuture::isDone);
        assertThat(zero(greedy)).isEqualTo(IoStatus.EIO);
        assertThat(simulated.flush(other)).isEqualTo(IoStatus.EIO);
    }

    @Test
    void aLogThatCannotBeSyncedForACheckpointStopsItsVolumeAndNoOther() {
        simulated.disk.failNext(Operation.SYNC, segmentOf(GREEDY));

        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy, other), CROWD);
        simulated.rest(3);

        assertThat(writable).allMatch(CompletableFuture::isDone);
        assertThat(zero(greedy)).isEqualTo(IoStatus.EIO);
        assertThat(zero(other)).isEqualTo(IoStatus.OK);
        assertThat(simulated.flush(other)).isEqualTo(IoStatus.OK);
    }

    /** Nobody will write the pages of its map, and so it does not wait for that; the other one still does. */
    @Test
    void aLogThatFailsWhileNoCheckpointIsPossibleKeepsNobodyWaiting() {
        simulated.disk.failEvery(Operation.ALLOCATE, StoreOpening.MAP_FILE);
        List<CompletableFuture<Boolean>> writable = crowd(List.of(greedy, other), CROWD);
        simulated.rest(3);
        assertThat(writable).noneMatch(CompletableFuture::isDone);
        simulated.disk.failNext(Operation.SYNC, segmentOf(GREEDY));
        simulated.disk.failNext(Operation.SYNC, segmentOf(OTHER));

        assertThat(simulated.flush(greedy)).isEqualTo(IoStatus.EIO);
        assertThat(writable.get(0)).isDone();
        assertThat(zero(greedy)).isEqualTo(IoStatus.EIO);
        assertThat(writable.get(1)).isNotDone();

        assertThat(simulated.flush(other)).isEqualTo(IoStatus.EIO);
        assertThat(writable.get(1)).isDone();
    }
}
