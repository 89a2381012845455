package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A volume with a long history: its snapshots go in any order, correct to the block and in few, bounded steps. */
class ManySnapshotsTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int SNAPSHOTS = 300;
    /** Pages of trees that go away that one step may read. */
    private static final int MOST_PAGES_IN_A_STEP = 2048 + 64;

    private static final VolumeId VOLUME = new VolumeId(1, 1);
    /** Blocks of one leaf, of another, of another subtree, and the last one. */
    private static final long[] BLOCKS = {0, 1, 2, 3, 511, 512, 513, 1 << 18, (1 << 18) + 1, (1 << 20) - 1};

    private final SimulatedStore simulated = new SimulatedStore(2L << 30, StoreOptions.DEFAULT);
    private final Random random = new Random(7);
    private final Map<SnapshotId, int[]> snapshots = new TreeMap<>(Comparator.comparing(SnapshotId::toString));
    private final int[] content = new int[BLOCKS.length];

    private Volume volumeWithHistory() {
        simulated.await(simulated.store().createVolume(VOLUME, 4L << 30));
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        for (int i = 0; i < SNAPSHOTS; i++) {
            for (int writes = random.nextInt(4); writes > 0; writes--) {
                change(volume);
            }
            SnapshotId id = new SnapshotId(2, i);
            simulated.await(simulated.store().createSnapshot(id, VOLUME));
            snapshots.put(id, content.clone());
            if (i % 50 == 10) {
                simulated.await(simulated.store().checkpoint());
            }
        }
        return volume;
    }

    private void change(Volume volume) {
        int at = random.nextInt(BLOCKS.length);
        long offset = BLOCKS[at] * BLOCK;
        int value = random.nextInt(100);
        IoStatus status = value < 10
                ? simulated.call(volume, (opened, done) -> opened.trim(offset, BLOCK, false, done))
                : simulated.write(volume, offset, BLOCK, value);
        assertThat(status).isEqualTo(IoStatus.OK);
        content[at] = value < 10 ? 0 : value;
    }

    private List<SnapshotId> inRandomOrder() {
        List<SnapshotId> order = new ArrayList<>(snapshots.keySet());
        Collections.shuffle(order, random);
        return order;
    }

    @Test
    void goInRandomOrderWhileTheVolumeIsWritten() {
        Volume volume = volumeWithHistory();
        int deleted = 0;
        for (SnapshotId id : inRandomOrder()) {
            simulated.await(simulated.store().deleteSnapshot(id));
            snapshots.remove(id);
            change(volume);
            if (++deleted % 25 == 0) {
                simulated.await(simulated.store().checkpoint());
                checkEverything(volume);
            }
        }
        settle();
        checkEverything(volume);
        assertThat(simulated.store().usage().liveBytes())
                .isEqualTo(simulated.store().usage(VOLUME).usedBytes());
    }

    @Test
    void goTogetherInFewCommits() {
        Volume volume = volumeWithHistory();
        settle();
        long syncsBefore = simulated.disk.syncs();
        List<CompletableFuture<Void>> deletions = new ArrayList<>();
        for (SnapshotId id : inRandomOrder()) {
            deletions.add(simulated.store().deleteSnapshot(id));
        }
        deletions.forEach(simulated::await);
        snapshots.clear();
        assertThat(simulated.disk.syncs() - syncsBefore)
                .as("syncs to delete all")
                .isLessThan(10);
        settle();

        assertThat(simulated.disk.syncs() - syncsBefore)
                .as("syncs to reclaim all")
                .isLessThan(60);
        checkEverything(volume);
        assertThat(simulated.store().usage().liveBytes())
                .isEqualTo(simulated.store().usage(VOLUME).usedBytes());
    }

    @Test
    void oneThatIsHalfGoneWhenItsNeighbourGoesIsCountedOnce() {
        simulated.await(simulated.store().createVolume(VOLUME, 1L << 40));
        Volume volume = simulated.await(simulated.store().open(VOLUME));
        for (int value = 1; value <= 3; value++) {
            for (int leaf = 0; leaf < 3000; leaf++) {
                simulated.write(volume, leaf * 512L * BLOCK, BLOCK, value);
            }
            simulated.await(simulated.store().createSnapshot(new SnapshotId(2, value), VOLUME));
        }
        simulated.await(simulated.store().deleteSnapshot(new SnapshotId(2, 3)));
        simulated.await(simulated.store().checkpoint());
        simulated.await(simulated.store().deleteSnapshot(new SnapshotId(2, 2)));
        for (int leaf = 0; leaf < 3000; leaf += 3) {
            simulated.write(volume, leaf * 512L * BLOCK, BLOCK, 9);
        }
        settle();

        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
        assertThat(simulated.store().usage().liveBytes()).isEqualTo((3000L + 3000) * BLOCK);
    }

    private void settle() {
        for (int i = 0; i < 12; i++) {
            simulated.await(simulated.store().checkpoint());
        }
        assertThat(simulated.await(((StoreEngine) simulated.store()).largestReclaimStepPages()))
                .as("pages of the largest step")
                .isLessThanOrEqualTo(MOST_PAGES_IN_A_STEP);
    }

    private void checkEverything(Volume volume) {
        check(volume, content, "the volume");
        List<SnapshotId> left = inRandomOrder();
        for (SnapshotId id : left.subList(0, Math.min(10, left.size()))) {
            Volume snapshot = simulated.await(simulated.store().openSnapshot(id));
            check(snapshot, snapshots.get(id), id.toString());
            snapshot.release();
        }
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
    }

    private void check(Volume volume, int[] expected, String name) {
        for (int i = 0; i < BLOCKS.length; i++) {
            ByteBuffer into = ByteBuffer.allocateDirect(BLOCK);
            long offset = BLOCKS[i] * BLOCK;
            assertThat(simulated.call(volume, (opened, done) -> opened.read(offset, into, done)))
                    .isEqualTo(IoStatus.OK);
            assertThat(into).as("block %d of %s", BLOCKS[i], name).isEqualTo(SimulatedStore.filled(BLOCK, expected[i]));
        }
    }
}
