package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.StoreException;
import io.varve.engine.check.DataBlocks;
import io.varve.engine.check.Findings;
import io.varve.engine.check.KeptTree;
import io.varve.engine.check.Recount;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.log.FileHeader;
import io.varve.engine.log.LogPosition;
import io.varve.engine.log.LogReader;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentEntry;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.SuperblockCopies;
import io.varve.engine.meta.SuperblockImage;
import io.varve.engine.reclaim.SubtreeTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks a store that nobody changes meanwhile, and changes nothing on disk: superblocks, tables, maps, logs, the headers
 * of segments, and every block if asked to. Waits for storage; one thread.
 */
final class StoreInspection {
    /** Frames for the pages that are looked at at a time. */
    private static final long FRAME_BYTES = 64L * 6144;

    private final Disk disk;
    private final boolean dataBlocks;
    private final Findings findings = new Findings();
    private final LogReader.Memory replayMemory = new LogReader.Memory();
    private long mapPages;
    private long liveBlocks;
    private long blocksRead;

    private StoreInspection(Disk disk, boolean dataBlocks) {
        this.disk = disk;
        this.dataBlocks = dataBlocks;
    }

    /**
     * Checks the store in {@code disk}, which stays open.
     *
     * @param dataBlocks read every block too
     * @throws StoreException NEWER_FORMAT
     */
    static CheckReport check(Disk disk, boolean dataBlocks) {
        try (SuperblockCopies copies = SuperblockCopies.read(disk, StoreOpening.TABLES)) {
            return new StoreInspection(disk, dataBlocks).check(copies);
        }
    }

    private CheckReport check(SuperblockCopies copies) {
        SuperblockImage newest = copies.newest().orElse(null);
        for (String damage : copies.damage()) {
            if (newest == null) {
                findings.damage("superblock", damage, List.of());
            } else {
                findings.note(
                        "superblock",
                        damage + "; the store opens with generation " + newest.generation()
                                + " of the other, and the next commit mends this");
            }
        }
        if (newest == null) {
            findings.damage("superblock", "neither copy is whole: the store cannot be opened", List.of());
            return new CheckReport("", 0, findings.all(), List.of(), List.of(), 0, 0, 0);
        }
        StoreModel model = StoreModel.read(newest, findings);
        List<SegmentEntry> segments = SegmentEntry.all(newest.table(SegmentStore.TABLE));
        checkFiles(segments, model);
        Recount recount = checkTrees(newest, model, segments);
        copies.older().ifPresent(this::checkOlder);
        return report(newest, model, recount);
    }

    private void checkFiles(List<SegmentEntry> segments, StoreModel model) {
        for (SegmentEntry segment : segments) {
            String where = segment.fileName() + (segment.isSegment() ? " (segment " + segment.id() + ")" : "");
            FileHeader.problem(disk, segment).ifPresent(problem -> {
                if (problem.isHarmless()) {
                    findings.note(where, problem.what());
                } else {
                    findings.damage(where, problem.what(), touchedBy(segment, segments, model));
                }
            });
        }
    }

    /** Whom damage of a file touches: all that may read what its segments' volumes wrote. */
    private static List<String> touchedBy(SegmentEntry file, List<SegmentEntry> segments, StoreModel model) {
        return segments.stream()
                .filter(segment -> segment.isSegment() && segment.fileNumber() == file.fileNumber())
                .flatMap(segment -> model.namesOf(segment.volume()).stream())
                .distinct()
                .toList();
    }

    private @Nullable Recount checkTrees(SuperblockImage image, StoreModel model, List<SegmentEntry> entries) {
        if (!disk.exists(StoreOpening.MAP_FILE)) {
            List<String> everybody = new ArrayList<>();
            model.liveVolumes().forEach(volume -> everybody.add(volume.id().toString()));
            model.liveSnapshots()
                    .forEach(snapshot -> everybody.add(snapshot.id().toString()));
            findings.damage(StoreOpening.MAP_FILE, "the file is missing: the store cannot be opened", everybody);
            return null;
        }
        SegmentStore segments =
                new SegmentStore(disk, image.table(SegmentStore.TABLE), Checkpointer.nextSegmentId(image));
        DataBlocks blocks = new DataBlocks(segments);
        FramePool frames = new FramePool(FRAME_BYTES);
        try (DiskFile mapFile = disk.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING)) {
            PageFile pages = new PageFile(mapFile);
            Recount.LiveBlock onBlock = dataBlocks ? blocks : (tree, block, address, check) -> {};
            Recount recount = new Recount(pages, frames, entries, image.table(PageSpace.TABLE), findings, onBlock);
            recount.run(model.chains(), new SubtreeTable(image.table(SubtreeTable.TABLE)).waiting());
            blocks.tell(model.chains(), pages, frames, findings);
            mapPages = recount.pages();
            liveBlocks = recount.liveBlocks();
            blocksRead = blocks.blocksRead();
            checkContents(entries, segments, model);
            model.liveVolumes().forEach(volume -> checkLog(volume, segments));
            return recount;
        } finally {
            frames.close();
        }
    }

    /** Holds what segments say of their blocks against how many are live: indexes of containers, and records. */
    private void checkContents(List<SegmentEntry> entries, SegmentStore segments, StoreModel model) {
        for (SegmentEntry entry : entries) {
            Segment segment = segments.find(entry.id());
            boolean wanted =
                    entry.kind() == SegmentEntry.Kind.MOVED || dataBlocks && entry.kind() == SegmentEntry.Kind.SEALED;
            if (segment == null || !wanted || !disk.exists(entry.fileName())) {
                continue;
            }
            String where = entry.fileName() + " (segment " + entry.id() + ")";
            try {
                int blocks = segment.contents().size();
                if (blocks < entry.liveBlocks()) {
                    findings.damage(
                            where,
                            "its records show " + blocks + " blocks, and " + entry.liveBlocks()
                                    + " are live: the header of a record is damaged; blocks are read without it",
                            model.namesOf(entry.volume()));
                }
            } catch (DiskException e) {
                findings.damage(where, String.valueOf(e.getMessage()), model.namesOf(entry.volume()));
            }
        }
    }

    private void checkLog(VolumeRow volume, SegmentStore segments) {
        String id = volume.id().toString();
        if (volume.isDamaged()) {
            findings.damage("log of " + id, "an earlier recovery found records missing", List.of(id));
        }
        if (!volume.isOpenForWriting()) {
            return;
        }
        try {
            LogReader.Result result = new LogReader(segments, volume.number(), new Reading(), replayMemory)
                    .replay(volume.position(), volume.epoch());
            if (result.damagedUntil().isPresent()) {
                findings.damage(
                        "log of " + id,
                        "records " + result.end().sequence() + " to "
                                + result.damagedUntil().getAsLong() + " are missing, at segment "
                                + result.end().segmentId() + " offset "
                                + result.end().offset() + "; " + result.records() + " before them are intact",
                        List.of(id));
            }
        } catch (DiskException e) {
            findings.damage("log of " + id, "cannot be replayed: " + e.getMessage(), List.of(id));
        }
    }

    /** Either superblock must open the store: what the older one names must still be there. */
    private void checkOlder(SuperblockImage older) {
        Findings found = new Findings();
        FramePool frames = new FramePool(FRAME_BYTES);
        if (!disk.exists(StoreOpening.MAP_FILE)) {
            return;
        }
        try (DiskFile mapFile = disk.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING)) {
            StoreModel model = StoreModel.read(older, found);
            List<SegmentEntry> entries = SegmentEntry.all(older.table(SegmentStore.TABLE));
            new Recount(new PageFile(mapFile), frames, entries, older.table(PageSpace.TABLE), found, (t, b, a, c) -> {})
                    .run(model.chains(), new SubtreeTable(older.table(SubtreeTable.TABLE)).waiting());
        } finally {
            frames.close();
        }
        findings.addOlder(older.generation(), found);
    }

    private CheckReport report(SuperblockImage image, StoreModel model, @Nullable Recount recount) {
        List<CheckReport.Checked> volumes = new ArrayList<>();
        for (VolumeRow volume : model.liveVolumes()) {
            volumes.add(checked(volume.id().toString(), model.treeOf(volume), recount));
        }
        List<CheckReport.Checked> snapshots = new ArrayList<>();
        for (SnapshotRow snapshot : model.liveSnapshots()) {
            snapshots.add(checked(snapshot.id().toString(), model.treeOf(snapshot), recount));
        }
        return new CheckReport(
                image.store().toString(),
                image.generation(),
                findings.all(),
                volumes,
                snapshots,
                mapPages,
                liveBlocks,
                blocksRead);
    }

    private CheckReport.Checked checked(String id, @Nullable KeptTree tree, @Nullable Recount recount) {
        long used = tree == null || recount == null ? 0 : Math.max(0, recount.usedBlocks(tree));
        return new CheckReport.Checked(id, used * BlockStore.BLOCK_BYTES, !findings.isDamaged(id));
    }

    /** Takes what replay accepts, and does nothing with it: that it is accepted is what matters. */
    private static final class Reading implements LogReader.Handler {
        @Override
        public void data(long firstBlock, int count, long address, int blockSlots, int[] checks) {}

        @Override
        public void cleared(long firstBlock, long count, boolean hole) {}

        @Override
        public void snapshot(SnapshotPayload payload, LogPosition after) {}

        @Override
        public void replayedTo(LogPosition position, int epoch) {}
    }
}
