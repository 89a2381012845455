package io.varve.engine.store;

import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Floors;
import io.varve.engine.map.Frame;
import io.varve.engine.map.MapChanges;
import io.varve.engine.map.MapRoot;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.PageRef;
import io.varve.engine.reclaim.SubtreeTable;
import io.varve.engine.reclaim.TreeWalk;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gives back what deleted snapshots, deleted volumes and trims leave behind, a bounded step with each checkpoint, so
 * that a step and what it found become durable together. Accountant only.
 *
 * <p>A deleted snapshot S is walked against the tree taken after it. When that is the volume itself, which goes on
 * changing, the step's range is fixed first; the volume is frozen and from that instant replaces blocks of the range as
 * if S did not exist; then the range is walked against the frozen tree. So each block is counted by exactly one of
 * them.
 */
final class Reclaimer {
    /** Pages read by one step. */
    private static final int STEP_PAGES = 2048;

    private static final long END = new PageRef(0, 0, BlockMap.ROOT_LEVEL, 0).endBlock();

    private final Catalogue catalogue;
    private final Descent descent;
    private final SegmentStore segments;
    private final PageSpace space;
    private final SubtreeTable subtrees;
    private final TreeWalk walk;
    private final HiddenRoots hidden;

    private boolean planned;
    /** A page could not be read: it is tried again after a while, and not by one checkpoint after the other. */
    private boolean paused;

    private @Nullable SnapshotRow deleting;
    private long stepTo;
    private int largestStepPages;

    Reclaimer(StoreParts parts, Table subtrees) {
        this.catalogue = parts.catalogue();
        this.descent = catalogue.descent();
        this.segments = parts.segments();
        this.space = parts.space();
        this.subtrees = new SubtreeTable(subtrees);
        this.walk = new TreeWalk(parts.pages(), parts.frames());
        this.hidden = new HiddenRoots(parts);
        hidden.lookAgain();
    }

    /** True while another checkpoint would give something back. */
    boolean hasWork() {
        return !paused && isBehind();
    }

    /** Goes on after a page could not be read. */
    void goOn() {
        paused = false;
    }

    /** True while there is something to give back. */
    boolean isBehind() {
        return !subtrees.isEmpty()
                || hidden.hasWork()
                || !descent.snapshotsBeingDeleted().stream().allMatch(descent::hasClones);
    }

    /** Clones may have let go of something that only a deleted snapshot still holds for them. */
    void lookAtHiddenRoots() {
        hidden.lookAgain();
    }

    /**
     * The deleted snapshots that nothing hangs on, in the order in which they go: one that is half gone first, because
     * it counts for one part of its neighbours and not for the other; then those that need no freeze.
     */
    private List<SnapshotRow> deletable() {
        List<SnapshotRow> rows = descent.snapshotsBeingDeleted();
        rows.removeIf(descent::hasClones);
        rows.sort(Comparator.comparing((SnapshotRow row) -> row.deletedUpTo() == 0)
                .thenComparing(row -> !isFixed(row))
                .thenComparingLong(SnapshotRow::number));
        return rows;
    }

    /** True if the tree taken after the snapshot does not change any more. */
    private boolean isFixed(SnapshotRow row) {
        VolumeEntry volume = descent.volume(row.volume());
        return volume == null || !volume.row.isLive() || descent.next(row) != null;
    }

    /** Chooses the range that the coming checkpoint works on. Before anything is frozen. */
    void plan() {
        planned = !paused;
        deleting = null;
        if (paused) {
            return;
        }
        List<SnapshotRow> rows = subtrees.isEmpty() ? deletable() : List.of();
        if (!rows.isEmpty() && !isFixed(rows.get(0))) {
            SnapshotRow row = rows.get(0);
            VolumeEntry volume = Objects.requireNonNull(descent.volume(row.volume()));
            stepTo = estimate(row, volume.row);
            paused = walk.wasInterrupted();
            if (stepTo > row.deletedUpTo()) {
                deleting = row;
            } else {
                planned = false;
            }
        }
    }

    /** The coming commit gives nothing back. */
    void planNothing() {
        planned = false;
    }

    /** How far a step comes if the volume does not change meanwhile. */
    private long estimate(SnapshotRow row, VolumeRow volume) {
        return walk.walk(
                PageRef.root(row.root()),
                PageRef.root(volume.root()),
                descent.floorsBelow(row),
                row.deletedUpTo(),
                END,
                STEP_PAGES,
                NOTHING);
    }

    /** The volume whose newest snapshot the coming step takes from; it is frozen even if it was not changed. */
    @Nullable
    VolumeEntry volumeWithNewFloors() {
        SnapshotRow row = deleting;
        return row == null ? null : descent.volume(row.volume());
    }

    /** The floors that a volume has to keep to from the coming freeze on. */
    Floors floorsFor(VolumeEntry volume) {
        return volume == volumeWithNewFloors() ? descent.floors(volume.number, stepTo) : descent.floors(volume.number);
    }

    /** Notes subtrees that a trim has cut off. */
    void addTrimmed(long volumeNumber, Iterable<MapChanges.Dropped> dropped) {
        for (MapChanges.Dropped subtree : dropped) {
            subtrees.addTrimmed(volumeNumber, subtree);
        }
    }

    /** Notes the tree of a volume that was deleted. */
    void addDeleted(VolumeRow volume) {
        MapRoot root = volume.root();
        if (root.pointer() > Frame.CHILD) {
            MapChanges.Dropped tree =
                    new MapChanges.Dropped(root.pointer(), root.check(), BlockMap.ROOT_LEVEL, 0, 0, 0);
            subtrees.addDeleted(volume.number(), tree, descent.floors(volume.number()));
        }
    }

    /** Does the planned step. The trees of all volumes are on disk and their rows point at them. */
    void step() {
        if (!planned) {
            return;
        }
        planned = false;
        SnapshotRow row = deleting;
        deleting = null;
        if (row != null) {
            largestStepPages = Math.max(largestStepPages, deletePlanned(row));
        } else if (!subtrees.isEmpty()) {
            paused = !subtrees.step(walk, STEP_PAGES, new Found(), this::reclaimed);
        } else if (!deleteFixed()) {
            hidden.step();
        }
    }

    /** Deletes as many snapshots as one step may, so that small ones share a commit; false if there is none. */
    private boolean deleteFixed() {
        int pages = 0;
        boolean any = false;
        for (SnapshotRow row : deletable()) {
            if (pages >= STEP_PAGES || !isFixed(row)) {
                break;
            }
            pages += 1 + delete(row, STEP_PAGES - pages);
            any = true;
            if (walk.wasInterrupted()) {
                paused = true;
                break; // no other one may be begun before this one is gone
            }
        }
        largestStepPages = Math.max(largestStepPages, pages);
        return any;
    }

    /** Goes on with the deletion of a snapshot; returns how many pages of its tree that took. */
    private int delete(SnapshotRow row, int pages) {
        Floors floors = descent.floorsBelow(row);
        PageRef after = treeAfter(row);
        deletedUpTo(
                row, walk.walk(PageRef.root(row.root()), after, floors, row.deletedUpTo(), END, pages, new Found()));
        return walk.pagesRead();
    }

    /** Deletes the planned range: the volume has replaced blocks of all of it as if the snapshot did not exist. */
    private int deletePlanned(SnapshotRow row) {
        Floors floors = descent.floorsBelow(row);
        walk.walkAll(PageRef.root(row.root()), treeAfter(row), floors, row.deletedUpTo(), stepTo, new Found());
        deletedUpTo(row, stepTo);
        return walk.pagesRead();
    }

    private PageRef treeAfter(SnapshotRow row) {
        SnapshotRow next = descent.next(row);
        if (next != null) {
            return PageRef.root(next.root());
        }
        VolumeEntry volume = descent.volume(row.volume());
        return PageRef.root(volume != null && volume.row.isLive() ? volume.row.root() : MapRoot.EMPTY);
    }

    private void deletedUpTo(SnapshotRow row, long reached) {
        if (reached >= END) {
            descent.forget(row);
        } else {
            row.setDeletedUpTo(reached);
        }
    }

    /** The most pages of deleted snapshots that one step has read so far. */
    int largestStepPages() {
        return largestStepPages;
    }

    /** Counts what a trim took: also in what was taken of the volume since, which began with the old count. */
    private void reclaimed(long volumeNumber, long floorAddress, long blocks) {
        if (blocks == 0) {
            return;
        }
        VolumeEntry volume = descent.volume(volumeNumber);
        if (volume != null && volume.row.isLive()) {
            volume.row.setUsedBlocks(volume.row.usedBlocks() - blocks);
            volume.usedBlocks = volume.row.usedBlocks();
            OpenVolume open = volume.open;
            if (open != null) {
                open.onLoop(opened -> opened.reclaimed(blocks));
            }
        }
        for (SnapshotRow snapshot : descent.snapshotsTakenAfter(volumeNumber, floorAddress)) {
            catalogue.setUsedBlocks(snapshot, snapshot.usedBlocks() - blocks);
            descent.clonesOf(snapshot).forEach(clone -> reclaimed(clone.number, 0, blocks));
        }
    }

    private static final TreeWalk.Finder NOTHING = new TreeWalk.Finder() {
        @Override
        public void deadBlock(long address) {}

        @Override
        public void deadPage(long pointer) {}

        @Override
        public void block() {}
    };

    /** Applies what a walk finds. */
    private final class Found implements TreeWalk.Finder {
        @Override
        public void deadBlock(long address) {
            segments.addLive(BlockAddress.segmentId(address), -1);
        }

        @Override
        public void deadPage(long pointer) {
            space.free(pointer);
        }

        @Override
        public void block() {}
    }
}
