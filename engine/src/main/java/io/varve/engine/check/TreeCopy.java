package io.varve.engine.check;

import io.varve.engine.io.DiskException;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.reclaim.PageRef;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Makes a copy of one tree out of a copy of another: tells in block order what is different, and what cannot be read.
 * Waits for storage; one thread.
 */
public final class TreeCopy {
    private static final PageRef NOTHING = new PageRef(Frame.HOLE, 0, BlockMap.ROOT_LEVEL, 0);

    private final PageFile pages;
    private final SegmentStore segments;
    private final Target target;
    private final long[] own = new long[BlockMap.ROOT_LEVEL + 1];
    private final long[] other = new long[BlockMap.ROOT_LEVEL + 1];
    private final BlockReads reads;

    /** Takes the copy. Ranges may reach beyond the end of the volume. */
    public interface Target {
        /** Data, at the buffer's position and up to its limit. */
        void data(long firstBlock, ByteBuffer blocks);

        /** Blocks that read as zeroes. */
        void cleared(long firstBlock, long endBlock, boolean hole);

        /** Blocks that cannot be read; the copy has holes there. */
        void unreadable(long firstBlock, long endBlock, String why);
    }

    public TreeCopy(PageFile pages, FramePool frames, SegmentStore segments, Target target) {
        this.pages = pages;
        this.segments = segments;
        this.reads = new BlockReads(segments);
        this.target = target;
        for (int i = 0; i < own.length; i++) {
            own[i] = frames.allocate();
            other[i] = frames.allocate();
        }
    }

    /**
     * Copies {@code tree}.
     *
     * @param before the tree that the target holds already, as far as that could be read; null for an empty one
     */
    public void copy(KeptTree tree, @Nullable KeptTree before) {
        visit(tree.root(), before == null ? NOTHING : before.root());
    }

    private void visit(PageRef page, PageRef before) {
        if (page.pointer() == before.pointer()) {
            return;
        }
        if (!page.isPage()) {
            target.cleared(page.firstBlock(), page.endBlock(), page.pointer() == Frame.HOLE);
            return;
        }
        int level = page.level();
        try {
            pages.read(page.pointer(), page.check(), level, page.firstBlock(), own[level]);
        } catch (DamagedPageException | DiskException e) {
            lost(page.firstBlock(), page.endBlock(), String.valueOf(e.getMessage()));
            return;
        }
        readBefore(before);
        if (level == 0) {
            copyLeaf(page.firstBlock());
            return;
        }
        for (int i = 0; i < Frame.ENTRIES; i++) {
            visit(page.child(own[level], i), page.child(other[level], i));
        }
    }

    /** What could not be read is a hole in the copy, and so is what was a hole. */
    private void readBefore(PageRef before) {
        long frame = other[before.level()];
        if (!before.isPage()) {
            Frame.fill(frame, before.pointer());
            return;
        }
        try {
            pages.read(before.pointer(), before.check(), before.level(), before.firstBlock(), frame);
        } catch (DamagedPageException | DiskException e) {
            Frame.fill(frame, Frame.HOLE);
        }
    }

    private void copyLeaf(long firstBlock) {
        for (int i = 0; i < Frame.ENTRIES; ) {
            long entry = Frame.entry(own[0], i);
            int run = 1;
            if (entry != Frame.entry(other[0], i)) {
                int step = entry > Frame.CHILD ? segments.blockSlots(entry) : 0;
                while (run < BlockReads.MAX_RUN
                        && i + run < Frame.ENTRIES
                        && Frame.entry(own[0], i + run) == entry + (long) run * step
                        && Frame.entry(own[0], i + run) != Frame.entry(other[0], i + run)) {
                    run++;
                }
                if (step == 0) {
                    target.cleared(firstBlock + i, firstBlock + i + run, entry == Frame.HOLE);
                } else {
                    copyRun(firstBlock + i, i, entry, run);
                }
            }
            i += run;
        }
    }

    private void copyRun(long firstBlock, int index, long address, int run) {
        if (reads.problem(address, run, i -> Frame.check(own[0], index + i)) == null) {
            target.data(firstBlock, reads.blocks(run));
            return;
        }
        for (int i = 0; i < run; i++) {
            int check = Frame.check(own[0], index + i);
            String why = reads.problem(reads.neighbour(address, i), 1, only -> check);
            if (why == null) {
                target.data(firstBlock + i, reads.blocks(1));
            } else {
                lost(firstBlock + i, firstBlock + i + 1, why);
            }
        }
    }

    private void lost(long firstBlock, long endBlock, String why) {
        target.cleared(firstBlock, endBlock, true);
        target.unreadable(firstBlock, endBlock, why);
    }
}
