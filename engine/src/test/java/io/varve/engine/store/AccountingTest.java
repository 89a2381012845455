package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreOptions;
import io.varve.engine.StoreUsage;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeUsage;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapRoot;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.PageRef;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What volumes and snapshots are said to use, share and have for themselves is what their trees say, block by block.
 */
class AccountingTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int LEAF_BLOCKS = 512;
    private static final int LEAVES = 6;
    private static final long VOLUME_BYTES = 1L << 30;
    private static final int ACTS = 150;

    private final SimulatedStore simulated =
            new SimulatedStore(1L << 30, new StoreOptions(4 << 20, 1 << 20, 1 << 20, 4 << 20, 1 << 20));
    private final Map<VolumeId, Volume> open = new HashMap<>();
    private int ids;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void everyCountIsThatOfARecountFromTheTrees(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        createVolume();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < ACTS; i++) {
                act(random);
            }
            simulated.rest(300);
            checkCounts("seed " + seed + ", round " + round);
        }
    }

    private BlockStore store() {
        return simulated.store();
    }

    private void act(SplittableRandom random) {
        List<VolumeRecord> volumes = store().volumes();
        List<SnapshotRecord> snapshots = store().snapshots();
        VolumeId volume = volumes.get(random.nextInt(volumes.size())).id();
        int choice = random.nextInt(100);
        if (choice < 6 && snapshots.size() < 8) {
            simulated.await(store().createSnapshot(new SnapshotId(1, ids++), volume));
        } else if (choice < 9 && !snapshots.isEmpty() && volumes.size() < 6) {
            SnapshotId from = snapshots.get(random.nextInt(snapshots.size())).id();
            simulated.await(store().cloneVolume(new VolumeId(1, ids++), VOLUME_BYTES, from));
        } else if (choice < 14 && !snapshots.isEmpty()) {
            simulated.await(store().deleteSnapshot(
                            snapshots.get(random.nextInt(snapshots.size())).id()));
        } else if (choice < 16 && volumes.size() > 1) {
            release(volume);
            simulated.await(store().deleteVolume(volume));
        } else if (choice < 18) {
            createVolume();
        } else if (choice < 22) {
            simulated.await(store().checkpoint());
        } else if (choice < 35) {
            trim(volume, random);
        } else {
            long block = random.nextInt(LEAVES * LEAF_BLOCKS - 16);
            assertThat(simulated.write(opened(volume), block * BLOCK, BLOCK * (1 + random.nextInt(16)), ids++ & 127))
                    .isEqualTo(IoStatus.OK);
        }
    }

    private void createVolume() {
        if (store().volumes().size() < 6) {
            simulated.await(store().createVolume(new VolumeId(1, ids++), VOLUME_BYTES));
        }
    }

    /** Whole leaves as often as parts of them. */
    private void trim(VolumeId volume, SplittableRandom random) {
        boolean whole = random.nextBoolean();
        long first = whole ? random.nextInt(LEAVES) * (long) LEAF_BLOCKS : random.nextInt(LEAVES * LEAF_BLOCKS);
        long count = whole ? LEAF_BLOCKS * (1 + random.nextInt(2)) : 1 + random.nextInt(200);
        assertThat(simulated.call(
                        opened(volume), (opened, done) -> opened.trim(first * BLOCK, count * BLOCK, false, done)))
                .isEqualTo(IoStatus.OK);
    }

    private Volume opened(VolumeId id) {
        return open.computeIfAbsent(id, unopened -> simulated.await(store().open(unopened)));
    }

    private void release(VolumeId id) {
        Volume volume = open.remove(id);
        if (volume != null) {
            volume.release();
            simulated.rest(1);
        }
    }

    private void checkCounts(String when) {
        simulated.await(store().checkpoint());
        simulated.rest(60);
        Map<String, VolumeUsage> told = new HashMap<>();
        store().volumes().forEach(volume -> told.put(volume.id().toString(), store().usage(volume.id())));
        store().snapshots().forEach(shot -> told.put(shot.id().toString(), store().usage(shot.id())));
        StoreUsage whole = store().usage();
        List.copyOf(open.keySet()).forEach(this::release);
        store().close();

        Set<Long> all = new HashSet<>();
        Map<String, Set<Long>> trees = trees(all);
        assertThat(told.keySet()).as(when).isEqualTo(trees.keySet());
        trees.forEach((name, blocks) -> {
            all.addAll(blocks);
            Set<Long> own = new HashSet<>(blocks);
            trees.forEach((other, theirs) -> {
                if (!other.equals(name)) {
                    own.removeAll(theirs);
                }
            });
            VolumeUsage usage = told.get(name);
            assertThat(usage.provisionedBytes()).isEqualTo(VOLUME_BYTES);
            assertThat(usage.usedBytes()).as(when + ", used by " + name).isEqualTo((long) blocks.size() * BLOCK);
            assertThat(usage.exclusiveBytes()).as(when + ", own of " + name).hasValue((long) own.size() * BLOCK);
            assertThat(usage.sharedBytes())
                    .as(when + ", shared of " + name)
                    .hasValue((long) (blocks.size() - own.size()) * BLOCK);
        });
        assertThat(whole.liveBytes()).as(when + ", live").isEqualTo((long) all.size() * BLOCK);
        simulated.restart();
    }

    /**
     * The addresses of all blocks that each volume and snapshot reads, from what is on the disk.
     *
     * @param kept takes those that only deleted snapshots hold whose clones need something of them
     */
    private Map<String, Set<Long>> trees(Set<Long> kept) {
        Map<String, Set<Long>> trees = new HashMap<>();
        try (Superblock superblock = Superblock.open(simulated.disk, StoreOpening.TABLES);
                DiskFile mapFile = simulated.disk.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING);
                FramePool frames = new FramePool(1 << 20)) {
            PageFile pages = new PageFile(mapFile);
            Table volumes = superblock.table(VolumeRow.SPEC);
            for (int row = volumes.nextUsed(0); row >= 0; row = volumes.nextUsed(row + 1)) {
                VolumeRow volume = new VolumeRow(volumes, row);
                if (volume.isLive()) {
                    trees.put(volume.id().toString(), blocks(pages, frames, volume.root()));
                }
            }
            Table snapshots = superblock.table(SnapshotRow.SPEC);
            for (int row = snapshots.nextUsed(0); row >= 0; row = snapshots.nextUsed(row + 1)) {
                SnapshotRow snapshot = new SnapshotRow(snapshots, row);
                Set<Long> blocks = blocks(pages, frames, snapshot.root());
                if (snapshot.isLive()) {
                    trees.put(snapshot.id().toString(), blocks);
                } else {
                    kept.addAll(blocks);
                }
            }
        }
        return trees;
    }

    private static Set<Long> blocks(PageFile pages, FramePool frames, MapRoot root) {
        Set<Long> found = new HashSet<>();
        collect(pages, frames, PageRef.root(root), found);
        return found;
    }

    private static void collect(PageFile pages, FramePool pool, PageRef page, Set<Long> found) {
        if (!page.isPage()) {
            return;
        }
        long frame = pool.allocate();
        pages.read(page.pointer(), page.check(), page.level(), page.firstBlock(), frame);
        for (int i = 0; i < LEAF_BLOCKS; i++) {
            if (page.level() > 0) {
                collect(pages, pool, page.child(frame, i), found);
            } else if (page.child(frame, i).isPage()) {
                found.add(page.child(frame, i).pointer());
            }
        }
        pool.release(frame);
    }
}
