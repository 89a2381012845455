package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.Finding;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.check.Findings;
import io.varve.engine.check.Recount;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.log.SegmentEntry;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.SuperblockCopies;
import io.varve.engine.meta.SuperblockImage;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.SubtreeTable;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

/** A recount finds what the tables have wrong, and does not read what snapshots share once for each of them. */
class RecountTest {
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final int LIVE_BLOCKS_OFFSET = 40;
    private static final int ALLOCATED_OFFSET = 8;

    private final SimulatedStore simulated = new SimulatedStore(1L << 30, StoreOptions.DEFAULT);

    private Volume create() {
        simulated.await(simulated.store().createVolume(VOLUME, 1L << 30));
        return simulated.await(simulated.store().open(VOLUME));
    }

    private List<Finding> findingsAfter(Consumer<Superblock> change) {
        Volume volume = create();
        simulated.write(volume, 0, 3 * BLOCK, 1);
        simulated.store().close();
        assertThat(StoreInspection.check(simulated.disk, true).findings()).isEmpty();
        for (int i = 0; i < 2; i++) {
            try (Superblock superblock = Superblock.open(simulated.disk, StoreOpening.TABLES)) {
                if (i == 0) {
                    change.accept(superblock);
                }
                superblock.commit();
            }
        }
        CheckReport report = StoreInspection.check(simulated.disk, false);
        assertThat(report.isClean()).isFalse();
        return report.findings();
    }

    @Test
    void aSegmentThatCountsTooManyLiveBlocksIsFound() {
        List<Finding> findings = findingsAfter(superblock -> {
            Table segments = superblock.table(SegmentStore.TABLE);
            segments.putInt(segments.nextUsed(0), LIVE_BLOCKS_OFFSET, 4);
        });

        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.severity()).isEqualTo(Finding.Severity.COUNT);
            assertThat(finding.what()).isEqualTo("has 3 live blocks and counts 4");
        });
    }

    @Test
    void aMapPageThatBelongsToNobodyIsFound() {
        List<Finding> findings = findingsAfter(superblock -> changeSlab(superblock, bits -> bits | 1L << 63));

        assertThat(findings).anyMatch(finding -> finding.what().endsWith("count as in use and belong to no tree"));
    }

    @Test
    void aMapPageThatCountsAsFreeIsFound() {
        List<Finding> findings = findingsAfter(superblock -> changeSlab(superblock, bits -> bits & bits - 1));

        assertThat(findings).anyMatch(finding -> finding.what().contains("counts as free"));
    }

    private static void changeSlab(Superblock superblock, LongUnaryOperator change) {
        Table slabs = superblock.table(PageSpace.TABLE);
        int slab = slabs.nextUsed(0);
        slabs.putLong(slab, ALLOCATED_OFFSET, change.applyAsLong(slabs.getLong(slab, ALLOCATED_OFFSET)));
    }

    @Test
    void aVolumeWithTheWrongUseIsFound() {
        List<Finding> findings = findingsAfter(superblock -> {
            Table volumes = superblock.table(VolumeRow.SPEC);
            new VolumeRow(volumes, volumes.nextUsed(0)).setUsedBlocks(2);
        });

        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.what()).isEqualTo("reads 3 blocks with data and counts 2");
            assertThat(finding.touches()).containsExactly(VOLUME.toString());
        });
    }

    @Test
    void whatSnapshotsShareIsReadOnce() {
        int snapshots = 100;
        Volume volume = create();
        for (int leaf = 0; leaf < 50; leaf++) {
            simulated.write(volume, leaf * 512L * BLOCK, BLOCK, 1);
        }
        for (int i = 0; i < snapshots; i++) {
            simulated.await(simulated.store().createSnapshot(new SnapshotId(2, i), VOLUME));
            simulated.write(volume, i % 50 * 512L * BLOCK, BLOCK, 2);
        }
        simulated.store().close();

        try (SuperblockCopies copies = SuperblockCopies.read(simulated.disk, StoreOpening.TABLES);
                DiskFile mapFile = simulated.disk.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING);
                FramePool frames = new FramePool(1 << 20)) {
            SuperblockImage image = copies.newest().orElseThrow();
            Findings findings = new Findings();
            PageFile pages = new PageFile(mapFile);
            Recount recount = new Recount(
                    pages,
                    frames,
                    SegmentEntry.all(image.table(SegmentStore.TABLE)),
                    image.table(PageSpace.TABLE),
                    findings,
                    (tree, block, address, check) -> {});
            recount.run(
                    StoreModel.read(image, findings).chains(),
                    new SubtreeTable(image.table(SubtreeTable.TABLE)).waiting());

            assertThat(findings.all()).isEmpty();
            assertThat(recount.liveBlocks()).isEqualTo(50 + snapshots);
            assertThat(pages.pagesRead()).isLessThan(2 * recount.pages());
        }
    }
}
