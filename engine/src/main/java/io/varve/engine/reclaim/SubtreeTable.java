package io.varve.engine.reclaim;

import io.varve.engine.map.Floors;
import io.varve.engine.map.Frame;
import io.varve.engine.map.MapChanges;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;
import java.util.ArrayList;
import java.util.List;

/** The subtrees that nothing points at any more, worked off one after the other. Accountant only. */
public final class SubtreeTable {
    /** The table that the superblock keeps for this. */
    public static final TableSpec TABLE = SubtreeRow.SPEC;

    private final Table table;

    public SubtreeTable(Table table) {
        this.table = table;
    }

    /** Told how many blocks with data a trim took from a volume, now that they have been counted. */
    @FunctionalInterface
    public interface UsedBlocks {
        /**
         * So many blocks were counted.
         *
         * @param volumeNumber the volume
         * @param floorAddress what its newest snapshot before the trim needed was below it; the floor of a later one is
         *     not
         */
        void reclaimed(long volumeNumber, long floorAddress, long blocks);
    }

    /**
     * A subtree that is being worked off.
     *
     * @param volumeNumber the volume that it was part of
     * @param page its topmost page
     * @param floors what of it belongs to snapshots
     * @param doneUpTo the first block that was not worked off yet
     * @param trimmed true if its blocks still count as used by the volume
     */
    public record Waiting(long volumeNumber, PageRef page, Floors floors, long doneUpTo, boolean trimmed) {}

    /** All subtrees, in the order in which they lie in the table. */
    public List<Waiting> waiting() {
        List<Waiting> all = new ArrayList<>();
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            all.add(new Waiting(
                    SubtreeRow.volume(table, row),
                    SubtreeRow.page(table, row),
                    SubtreeRow.floors(table, row),
                    SubtreeRow.doneUpTo(table, row),
                    table.kind(row) == SubtreeRow.TRIMMED));
        }
        return all;
    }

    public boolean isEmpty() {
        return table.usedRows() == 0;
    }

    /** A trim cut this subtree off. */
    public void addTrimmed(long volumeNumber, MapChanges.Dropped subtree) {
        Floors floors = Floors.of(subtree.floorAddress(), subtree.floorBirth());
        SubtreeRow.write(table, table.allocate(SubtreeRow.TRIMMED), volumeNumber, subtree, floors);
    }

    /** A volume with this tree was deleted. */
    public void addDeleted(long volumeNumber, MapChanges.Dropped tree, Floors floors) {
        SubtreeRow.write(table, table.allocate(SubtreeRow.DELETED), volumeNumber, tree, floors);
    }

    /**
     * Walks on for about {@code pages} pages, over as many subtrees as these are.
     *
     * @return false if a page could not be read, before which the step stopped
     */
    public boolean step(TreeWalk walk, int pages, TreeWalk.Finder finder, UsedBlocks usedBlocks) {
        int left = pages;
        for (int row = table.nextUsed(0); row >= 0 && left > 0; row = table.nextUsed(row + 1)) {
            workOff(row, walk, left, finder, usedBlocks);
            if (walk.wasInterrupted()) {
                return false;
            }
            left -= 1 + walk.pagesRead();
        }
        return true;
    }

    private void workOff(int row, TreeWalk walk, int pages, TreeWalk.Finder finder, UsedBlocks usedBlocks) {
        PageRef page = SubtreeRow.page(table, row);
        Counter counter = new Counter(finder);
        PageRef nothing = new PageRef(Frame.HOLE, 0, page.level(), page.firstBlock());
        long from = SubtreeRow.doneUpTo(table, row);
        Floors floors = SubtreeRow.floors(table, row);
        long reached = walk.walk(page, nothing, floors, from, page.endBlock(), pages, counter);
        if (table.kind(row) == SubtreeRow.TRIMMED) {
            usedBlocks.reclaimed(SubtreeRow.volume(table, row), floors.address(), counter.blocks);
        }
        if (reached >= page.endBlock()) {
            table.free(row);
        } else {
            SubtreeRow.setDoneUpTo(table, row, reached);
        }
    }

    /** Counts the blocks that come by. */
    private static final class Counter implements TreeWalk.Finder {
        private final TreeWalk.Finder finder;
        private long blocks;

        Counter(TreeWalk.Finder finder) {
            this.finder = finder;
        }

        @Override
        public void deadBlock(long address) {
            finder.deadBlock(address);
        }

        @Override
        public void deadPage(long pointer) {
            finder.deadPage(pointer);
        }

        @Override
        public void block() {
            blocks++;
            finder.block();
        }
    }
}
