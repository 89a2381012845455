package io.varve.engine.store;

import io.varve.engine.io.DiskException;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Floors;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapChanges;
import io.varve.engine.map.MapLoader;
import io.varve.engine.map.MapRoot;
import io.varve.engine.map.MapWriter;
import io.varve.engine.map.PageFile;
import io.varve.engine.map.WrittenPages;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.reclaim.LiveBlocks;
import io.varve.engine.reclaim.PageRef;
import io.varve.engine.reclaim.UnsharedWalk;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deleted snapshots whose clones still need something of them. Their trees stay, hidden; a pass over such a tree takes
 * out the blocks that no clone reads and that the volume's next tree does not have, so that they come back without
 * waiting for the last clone. A pass is due when the snapshot is deleted and whenever a clone may have let go of
 * something; it goes in steps, one with a checkpoint each, which is also what makes a step durable. Accountant only.
 *
 * <p>Only pages that are shared with nobody are changed: a page with a block that nobody has is nobody else's.
 */
final class HiddenRoots {
    private static final Logger LOG = LoggerFactory.getLogger(HiddenRoots.class);
    /** Pages read by one step. */
    private static final int STEP_PAGES = 1024;
    /** Blocks taken out by one step, each of which may need a page written. */
    private static final int STEP_BLOCKS = 4096;
    /** What one step may write. */
    private static final long STEP_BYTES = 8 << 20;

    private final Descent descent;
    private final SegmentStore segments;
    private final PageSpace space;
    private final FramePool frames;
    private final PageFile pages;
    private final MapWriter writer;
    private final UnsharedWalk walk;
    /** Snapshots with a pass to be made, by number, and the block that it has come to. */
    private final Map<Long, Long> due = new LinkedHashMap<>();

    HiddenRoots(StoreParts parts) {
        descent = parts.catalogue().descent();
        segments = parts.segments();
        space = parts.space();
        frames = parts.frames();
        pages = parts.pages();
        writer = parts.writer();
        walk = new UnsharedWalk(pages, frames);
    }

    /** Clones may have let go of something: every hidden root is due. */
    void lookAgain() {
        List<SnapshotRow> newestFirst = descent.snapshotsBeingDeleted();
        Collections.reverse(newestFirst); // what a newer one lets go of is no more needed of the older one
        for (SnapshotRow row : newestFirst) {
            if (descent.hasClones(row)) {
                due.put(row.number(), 0L);
            }
        }
    }

    boolean hasWork() {
        return !due.isEmpty();
    }

    /**
     * Makes the next step, part of a commit in which the trees of all volumes are on disk; none if there is no room.
     */
    void step() {
        Iterator<Map.Entry<Long, Long>> all = due.entrySet().iterator();
        if (!all.hasNext()) {
            return;
        }
        Map.Entry<Long, Long> next = all.next();
        SnapshotRow row = descent.snapshot(next.getKey());
        if (row == null || !descent.hasClones(row)) {
            all.remove();
            return;
        }
        try {
            space.reserve(STEP_BYTES);
            long reached = step(row, next.getValue());
            if (reached >= PageRef.root(row.root()).endBlock()) {
                all.remove();
            } else {
                next.setValue(reached);
            }
        } catch (DiskException | DamagedPageException e) {
            LOG.warn("space of the deleted snapshot {} does not come back now: {}", row.id(), e.getMessage());
            all.remove();
        }
    }

    private long step(SnapshotRow row, long from) {
        List<Long> unneeded = new ArrayList<>();
        long reached =
                walk.walk(PageRef.root(row.root()), needing(row), needsOfOlder(row), from, STEP_PAGES, unneeded::add);
        if (unneeded.size() > STEP_BLOCKS) {
            reached = unneeded.get(STEP_BLOCKS);
            unneeded = unneeded.subList(0, STEP_BLOCKS);
        }
        if (!unneeded.isEmpty()) {
            takeOut(row, unneeded, descent.floorsBelow(row));
        }
        return reached;
    }

    /** The trees that may need blocks of the snapshot: what comes next in its volume, and the oldest of each clone. */
    private List<PageRef> needing(SnapshotRow row) {
        List<PageRef> needing = new ArrayList<>();
        addOldest(descent.treesAfter(row), needing);
        for (VolumeEntry clone : descent.clonesOf(row)) {
            addOldest(descent.trees(clone.number), needing);
        }
        return needing;
    }

    /** A tree that is half deleted counts, and so does the one that follows it. */
    private static void addOldest(List<LiveBlocks.Tree> chain, List<PageRef> needing) {
        for (LiveBlocks.Tree tree : chain) {
            needing.add(PageRef.root(tree.root()));
            if (tree.deletedUpTo() == 0) {
                return;
            }
        }
    }

    private void write(MapRoot root, WrittenPages written) {
        try {
            writer.write(root, written);
        } catch (DiskException e) {
            writer.abandon(written);
            throw e;
        }
    }

    /**
     * What older snapshots need for themselves, and so is left in the tree. Those that are hidden too need nothing:
     * what a tree shares with them is taken out of it, and counted as dead only by the oldest that has it.
     */
    private Floors needsOfOlder(SnapshotRow row) {
        SnapshotRow oldest = row;
        SnapshotRow previous = descent.previous(row);
        while (previous != null && !previous.isLive() && descent.hasClones(previous)) {
            oldest = previous;
            previous = descent.previous(oldest);
        }
        return descent.floorsBelow(oldest);
    }

    /** Makes holes of the blocks in the snapshot's tree. The pages that this makes are younger than all it had. */
    private void takeOut(SnapshotRow row, List<Long> blocks, Floors floors) {
        MapRoot before = row.root();
        long frame = frames.allocate();
        long birth;
        try {
            birth = pages.read(before.pointer(), before.check(), BlockMap.ROOT_LEVEL, 0, frame);
        } finally {
            frames.release(frame);
        }
        BlockMap map = new BlockMap(frames, before, Math.max(birth, row.birth()) + 1, floors);
        try {
            for (long block : blocks) {
                MapLoader.loadNow(map, frames, pages, block);
                map.clear(block, block + 1, Frame.HOLE);
            }
            MapRoot after = map.freeze();
            WrittenPages written = new WrittenPages();
            write(after, written);
            MapChanges changes = map.takeChanges();
            row.setRoot(after.writtenPointer(), after.writtenCheck());
            row.setUsedBlocks(row.usedBlocks() + changes.usedBlocks());
            changes.forEachSegment(segments::addLive);
            for (long pointer : changes.freedPages()) {
                space.free(pointer);
            }
            map.markOnDisk(written);
        } finally {
            map.close();
        }
    }
}
