package io.varve.engine.check;

import io.varve.engine.io.DiskException;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.reclaim.PageRef;
import org.jspecify.annotations.Nullable;

/**
 * Walks the part of a tree that the tree kept before it does not share, in steps of bounded length, each of them over
 * the trees as they are then. Nothing may change them during a step. Waits for storage; one thread.
 */
public final class LiveWalk {
    private final PageFile pages;
    private final TreePages before;
    private final long[] own = new long[BlockMap.ROOT_LEVEL + 1];
    private int pagesLeft;
    private int blocksLeft;
    private long stoppedAt;

    /** Takes what is found, in block order. */
    public interface Taker {
        /** A block with data. */
        void block(long block, long address, int check);

        /** A page that cannot be read. */
        void damagedPage(PageRef page, String why);
    }

    public LiveWalk(PageFile pages, FramePool frames) {
        this.pages = pages;
        this.before = new TreePages(pages, frames);
        for (int i = 0; i < own.length; i++) {
            own[i] = frames.allocate();
        }
    }

    /**
     * Walks on.
     *
     * @param previous the tree kept before; null if there is none
     * @param floorAddress blocks below it are in that tree
     * @param from the block to begin with
     * @param maxPages pages to read, about
     * @param maxBlocks blocks to take
     * @return the block to go on with; at least the tree's end when the walk is over
     */
    public long walk(
            PageRef tree,
            @Nullable PageRef previous,
            long floorAddress,
            long from,
            int maxPages,
            int maxBlocks,
            Taker taker) {
        before.forget();
        pagesLeft = maxPages;
        blocksLeft = maxBlocks;
        stoppedAt = Long.MAX_VALUE;
        visit(tree, previous, floorAddress, from, taker);
        return Math.min(stoppedAt, tree.endBlock());
    }

    /** Pages that the last step has read. */
    public int pagesRead(int maxPages) {
        return maxPages - pagesLeft;
    }

    /** The address that a tree has for a block now; 0 if it has none, or that cannot be read. */
    public long address(PageRef tree, long block) {
        before.forget();
        try {
            PageRef leaf = before.at(tree, 0, block - block % Frame.ENTRIES);
            return leaf.isPage() ? Frame.entry(before.frame(leaf), (int) (block % Frame.ENTRIES)) : 0;
        } catch (DamagedPageException | DiskException e) {
            return 0;
        }
    }

    private void visit(PageRef page, @Nullable PageRef previous, long floorAddress, long from, Taker taker) {
        if (!page.isPage() || page.endBlock() <= from || isShared(page, previous)) {
            return;
        }
        if (pagesLeft <= 0) {
            stoppedAt = Math.max(from, page.firstBlock());
            return;
        }
        pagesLeft--;
        if (!read(page, taker)) {
            return;
        }
        int level = page.level();
        for (int i = 0; i < Frame.ENTRIES && stoppedAt == Long.MAX_VALUE; i++) {
            if (level > 0) {
                visit(page.child(own[level], i), previous, floorAddress, from, taker);
            } else {
                visitBlock(page.firstBlock() + i, i, floorAddress, from, taker);
            }
        }
    }

    private void visitBlock(long block, int index, long floorAddress, long from, Taker taker) {
        long entry = Frame.entry(own[0], index);
        if (block < from || entry <= Frame.CHILD || entry < floorAddress) {
            return;
        }
        if (blocksLeft == 0) {
            stoppedAt = block;
            return;
        }
        blocksLeft--;
        taker.block(block, entry, Frame.check(own[0], index));
    }

    private boolean isShared(PageRef page, @Nullable PageRef previous) {
        if (previous == null) {
            return false;
        }
        try {
            return before.at(previous, page.level(), page.firstBlock()).pointer() == page.pointer();
        } catch (DamagedPageException | DiskException e) {
            return false;
        }
    }

    /** Reads a page, and once more if it is not right. */
    private boolean read(PageRef page, Taker taker) {
        String why = "";
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                pages.read(page.pointer(), page.check(), page.level(), page.firstBlock(), own[page.level()]);
                return true;
            } catch (DamagedPageException | DiskException e) {
                why = String.valueOf(e.getMessage());
            }
        }
        taker.damagedPage(page, why);
        return false;
    }
}
