package io.varve.engine.reclaim;

import io.varve.engine.io.DiskException;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Floors;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Walks a tree that is going away, in block order, and finds what only it held: blocks at or above the floor address
 * that the tree taken next does not have at the same place, and pages born above the floor generation that it does not
 * share. Where both trees have the same page nothing can be found and nothing is read. A walk is cut into steps of
 * bounded length; an interior page is given up only by the step that passes its last block. Used by the accountant.
 *
 * <p>A walk stops before a page that the device does not give out, so that another one can go on there. What is under a
 * page that stays unreadable, or does not match its check value, is passed over: its space stays counted.
 */
public final class TreeWalk {
    private static final Logger LOG = LoggerFactory.getLogger(TreeWalk.class);
    /** A page that cannot be read so often, in walks some time apart, is passed over. */
    private static final int MOST_FAILURES = 5;

    /** Told what nothing needs any more. */
    public interface Finder {
        void deadBlock(long address);

        void deadPage(long pointer);

        /** A block with data, dead or not; only in trees without a next one. */
        void block();
    }

    private final PageFile pages;
    private final long[] own = new long[BlockMap.ROOT_LEVEL + 1];
    private final long[] next = new long[BlockMap.ROOT_LEVEL + 1];
    /** How often each page could not be read; most of the time empty. */
    private final Map<Long, Integer> failures = new HashMap<>();

    private int budget;
    private int pagesRead;
    private long stoppedAt;
    private boolean insisting;
    private boolean interrupted;

    public TreeWalk(PageFile pages, FramePool frames) {
        this.pages = pages;
        for (int i = 0; i < own.length; i++) {
            own[i] = frames.allocate();
            next[i] = frames.allocate();
        }
    }

    /**
     * Walks from block {@code from} up to {@code to}, reading about {@code pageBudget} pages at most.
     *
     * @param tree the tree that goes away
     * @param after the tree taken next, or a hole if there is none
     * @return the block to go on with; at least the tree's end when the walk is over
     */
    public long walk(PageRef tree, PageRef after, Floors floors, long from, long to, int pageBudget, Finder finder) {
        insisting = false;
        return go(tree, after, floors, from, to, pageBudget, finder);
    }

    /**
     * Like {@link #walk}, up to {@code to} in any case: a page that cannot be read is tried at once as often as it may.
     */
    public void walkAll(PageRef tree, PageRef after, Floors floors, long from, long to, Finder finder) {
        insisting = true;
        go(tree, after, floors, from, to, Integer.MAX_VALUE, finder);
    }

    private long go(PageRef tree, PageRef after, Floors floors, long from, long to, int pageBudget, Finder finder) {
        interrupted = false;
        budget = pageBudget;
        pagesRead = 0;
        stoppedAt = to;
        if (tree.isPage() && tree.pointer() != after.pointer()) {
            visit(tree, after, floors, from, to, finder);
        }
        return stoppedAt;
    }

    /** Pages of the tree that goes away which the last walk read. */
    public int pagesRead() {
        return pagesRead;
    }

    /** True if the last walk stopped before a page that could not be read. */
    public boolean wasInterrupted() {
        return interrupted;
    }

    private void visit(PageRef page, PageRef after, Floors floors, long from, long to, Finder finder) {
        long birth;
        try {
            birth = read(page, own);
            if (after.isPage()) {
                read(after, next);
            }
        } catch (DamagedPageException e) {
            passOver(e);
            return;
        } catch (DiskException e) {
            if (failures.merge(page.pointer(), 1, Integer::sum) >= MOST_FAILURES) {
                passOver(e);
            } else if (insisting) {
                visit(page, after, floors, from, to, finder);
            } else {
                LOG.warn("a deletion goes on later: {}", e.getMessage());
                interrupted = true;
                stoppedAt = Math.min(stoppedAt, Math.max(from, page.firstBlock()));
            }
            return;
        }
        if (!failures.isEmpty()) {
            failures.remove(page.pointer()); // its place may be another page's one day
        }
        budget--;
        pagesRead++;
        if (page.level() == 0) {
            visitLeaf(page, after, floors, finder);
        } else {
            visitChildren(page, after, floors, from, to, finder);
        }
        boolean passed = page.endBlock() <= Math.min(to, stoppedAt);
        if (passed && birth > floors.birthUpTo(page.endBlock())) {
            finder.deadPage(page.pointer());
        }
    }

    private static void passOver(RuntimeException why) {
        LOG.error("space under a damaged map page is not given back: {}", why.getMessage());
    }

    private long read(PageRef page, long[] frames) {
        return pages.read(page.pointer(), page.check(), page.level(), page.firstBlock(), frames[page.level()]);
    }

    private void visitLeaf(PageRef page, PageRef after, Floors floors, Finder finder) {
        for (int i = 0; i < Frame.ENTRIES; i++) {
            long entry = Frame.entry(own[0], i);
            if (entry > Frame.CHILD) {
                finder.block();
                boolean shared = after.isPage() && Frame.entry(next[0], i) == entry;
                if (!shared && entry >= floors.addressAt(page.firstBlock() + i)) {
                    finder.deadBlock(entry);
                }
            }
        }
    }

    private void visitChildren(PageRef page, PageRef after, Floors floors, long from, long to, Finder finder) {
        int level = page.level();
        for (int i = 0; i < Frame.ENTRIES; i++) {
            PageRef child = page.child(own[level], i);
            if (!child.isPage() || child.endBlock() <= from) {
                continue;
            }
            if (child.firstBlock() >= Math.min(to, stoppedAt)) {
                return;
            }
            PageRef childAfter = after.isPage()
                    ? page.child(next[level], i)
                    : new PageRef(Frame.HOLE, 0, level - 1, child.firstBlock());
            if (childAfter.pointer() == child.pointer()) {
                continue;
            }
            if (budget <= 0) {
                stoppedAt = Math.min(stoppedAt, Math.max(from, child.firstBlock()));
                return;
            }
            visit(child, childAfter, floors, from, to, finder);
        }
    }
}
