package io.varve.engine.reclaim;

import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Floors;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the blocks of a tree that none of several other trees has at the same place. Where one of them has the same
 * page all of its blocks are shared and nothing is read. Used by the accountant.
 */
public final class UnsharedWalk {
    private final PageFile pages;
    private final long[] own = new long[BlockMap.ROOT_LEVEL + 1];
    private final long scratch;
    private long left;
    private long stoppedAt;

    /** Takes blocks in ascending order. */
    @FunctionalInterface
    public interface Taker {
        void unshared(long block);
    }

    /** The entries of a page of another tree. */
    private static final class Entries {
        final long[] entries = new long[Frame.ENTRIES];
        final int[] checks = new int[Frame.ENTRIES];
    }

    public UnsharedWalk(PageFile pages, FramePool pool) {
        this.pages = pages;
        for (int i = 0; i < own.length; i++) {
            own[i] = pool.allocate();
        }
        scratch = pool.allocate();
    }

    /**
     * Walks from block {@code from} on, reading about {@code pageBudget} pages at most.
     *
     * @param floors blocks below them belong to older snapshots and are passed over
     * @return the block to go on with; at least the tree's end when the walk is over
     * @throws io.varve.engine.map.DamagedPageException if a page is not what its parent says it is
     */
    public long walk(PageRef tree, List<PageRef> others, Floors floors, long from, int pageBudget, Taker taker) {
        left = pageBudget;
        stoppedAt = Long.MAX_VALUE;
        if (tree.isPage() && !isShared(tree, others)) {
            visit(tree, others, floors, from, taker);
        }
        return Math.min(stoppedAt, Math.max(from, tree.endBlock()));
    }

    private static boolean isShared(PageRef page, List<PageRef> others) {
        return others.stream().anyMatch(other -> other.pointer() == page.pointer());
    }

    private void visit(PageRef page, List<PageRef> others, Floors floors, long from, Taker taker) {
        int level = page.level();
        read(page, own[level]);
        List<Entries> theirs = new ArrayList<>();
        for (PageRef other : others) {
            if (other.isPage()) {
                read(other, scratch);
                theirs.add(copy(scratch));
            }
        }
        for (int i = 0; i < Frame.ENTRIES; i++) {
            long entry = Frame.entry(own[level], i);
            if (entry <= Frame.CHILD) {
                continue;
            }
            if (level == 0) {
                long block = page.firstBlock() + i;
                if (block >= from && entry >= floors.addressAt(block) && !has(theirs, i, entry)) {
                    taker.unshared(block);
                }
            } else if (!visitChild(page, i, theirs, floors, from, taker)) {
                return;
            }
        }
    }

    /** False if the walk stops here. */
    private boolean visitChild(PageRef page, int index, List<Entries> theirs, Floors floors, long from, Taker taker) {
        PageRef child = page.child(own[page.level()], index);
        if (child.endBlock() <= from || has(theirs, index, child.pointer())) {
            return true;
        }
        if (left <= 0) {
            stoppedAt = Math.min(stoppedAt, Math.max(from, child.firstBlock()));
            return false;
        }
        List<PageRef> others = new ArrayList<>();
        for (Entries other : theirs) {
            others.add(new PageRef(other.entries[index], other.checks[index], child.level(), child.firstBlock()));
        }
        visit(child, others, floors, from, taker);
        return stoppedAt == Long.MAX_VALUE;
    }

    private static boolean has(List<Entries> theirs, int index, long entry) {
        return theirs.stream().anyMatch(other -> other.entries[index] == entry);
    }

    private void read(PageRef page, long frame) {
        left--;
        pages.read(page.pointer(), page.check(), page.level(), page.firstBlock(), frame);
    }

    private static Entries copy(long frame) {
        Entries copy = new Entries();
        for (int i = 0; i < Frame.ENTRIES; i++) {
            copy.entries[i] = Frame.entry(frame, i);
            copy.checks[i] = Frame.check(frame, i);
        }
        return copy;
    }
}
