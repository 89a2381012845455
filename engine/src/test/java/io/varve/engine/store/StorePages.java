package io.varve.engine.store;

import io.varve.engine.VolumeId;
import io.varve.engine.check.Findings;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskFile;
import io.varve.engine.log.SegmentEntry;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.PagePointer;
import io.varve.engine.meta.SuperblockCopies;
import io.varve.engine.meta.SuperblockImage;
import io.varve.engine.reclaim.PageRef;

/** Finds where something stands in a store's files, for those who want to damage it. */
final class StorePages {
    private StorePages() {}

    /** Where in the file {@code map} the page stands that a volume has for a block on a level. */
    static long position(Disk disk, VolumeId id, int level, long block) {
        try (SuperblockCopies copies = SuperblockCopies.read(disk, StoreOpening.TABLES);
                DiskFile file = disk.open(StoreOpening.MAP_FILE, Disk.Mode.EXISTING);
                FramePool frames = new FramePool(1 << 20)) {
            PageFile pages = new PageFile(file);
            long frame = frames.allocate();
            PageRef page = PageRef.root(row(copies, id).root());
            while (page.level() > level) {
                pages.read(page.pointer(), page.check(), page.level(), page.firstBlock(), frame);
                page = page.child(frame, (int) ((block - page.firstBlock()) / page.entrySpan()));
            }
            return PagePointer.positionBytes(page.pointer());
        }
    }

    /** The file of the first segment that a volume wrote. */
    static String segmentFile(Disk disk, VolumeId id) {
        try (SuperblockCopies copies = SuperblockCopies.read(disk, StoreOpening.TABLES)) {
            long number = row(copies, id).number();
            SuperblockImage image = copies.newest().orElseThrow();
            return SegmentEntry.all(image.table(SegmentStore.TABLE)).stream()
                    .filter(segment -> segment.isSegment() && segment.volume() == number)
                    .findFirst()
                    .orElseThrow()
                    .fileName();
        }
    }

    private static VolumeRow row(SuperblockCopies copies, VolumeId id) {
        StoreModel model = StoreModel.read(copies.newest().orElseThrow(), new Findings());
        return model.liveVolumes().stream()
                .filter(row -> row.id().equals(id))
                .findFirst()
                .orElseThrow();
    }
}
