package io.varve.engine.reclaim;

import io.varve.engine.log.SegmentContents;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapRoot;
import io.varve.engine.map.PageFile;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which blocks of a segment somebody can still read, by looking them up. A block's life is one stretch of its
 * volume's history: from its birth until it was replaced. So it is live exactly if the first tree that was kept after
 * its birth has it, and one look-up decides. What this finds stays an upper bound afterwards: a dead block never comes
 * back. Accountant only.
 */
public final class LiveBlocks {
    /** Bits that tell the blocks of one segment apart. */
    private static final int INDEX_BITS = 15;

    private final PageFile pages;
    private final long[] frames = new long[BlockMap.ROOT_LEVEL + 1];
    /** The pages that stand in {@link #frames}; 0 where none does. */
    private final long[] loaded = new long[BlockMap.ROOT_LEVEL + 1];

    private int pagesRead;

    /**
     * A tree of the segment's volume.
     *
     * @param root the tree, on disk
     * @param floorAddress older blocks may be in it; those at or above this address are younger than it
     * @param deletedUpTo the first block for which the tree still counts
     */
    public record Tree(MapRoot root, long floorAddress, long deletedUpTo) {}

    public LiveBlocks(PageFile pages, FramePool pool) {
        this.pages = pages;
        for (int i = 0; i < frames.length; i++) {
            frames[i] = pool.allocate();
        }
    }

    /** What is known so far of one segment's blocks. */
    public static final class Found {
        private final SegmentContents contents;
        private final long[] order;
        private final BitSet live = new BitSet();
        private final int[] checks;
        private int lookedUp;

        public Found(SegmentContents contents) {
            this.contents = contents;
            this.checks = new int[contents.size()];
            this.order = order(contents);
        }

        /** The blocks in an order that meets each leaf once. */
        private static long[] order(SegmentContents contents) {
            long[] order = new long[contents.size()];
            for (int i = 0; i < order.length; i++) {
                order[i] = contents.block(i) << INDEX_BITS | i;
            }
            Arrays.sort(order);
            return order;
        }

        /** True when every block was looked up. */
        public boolean isComplete() {
            return lookedUp == order.length;
        }

        public int liveBlocks() {
            return live.cardinality();
        }

        /** The first live block at or behind place {@code from} of the contents, or -1. */
        public int nextLive(int from) {
            return live.nextSetBit(from);
        }

        public long address(int i) {
            return contents.address(i);
        }

        public long block(int i) {
            return contents.block(i);
        }

        /** The CRC32C that a live block must have. */
        public int check(int i) {
            return checks[i];
        }
    }

    /**
     * Goes on looking up blocks until about {@code pageBudget} pages were read.
     *
     * @param trees what is kept of the segment's volume, oldest first, the volume itself last if it still exists
     * @throws io.varve.engine.map.DamagedPageException if a page is not what its parent says it is
     */
    public void find(Found found, List<Tree> trees, int pageBudget) {
        Arrays.fill(loaded, 0); // pages may have been replaced since the last call
        pagesRead = 0;
        SegmentContents contents = found.contents;
        while (!found.isComplete() && pagesRead < pageBudget) {
            int i = (int) (found.order[found.lookedUp] & (1 << INDEX_BITS) - 1);
            long block = contents.block(i);
            Tree tree = firstAfter(trees, contents.address(i), block);
            long leaf = tree == null ? 0 : leaf(tree.root(), block);
            int index = (int) (block % Frame.ENTRIES);
            if (leaf != 0 && Frame.entry(leaf, index) == contents.address(i)) {
                found.live.set(i);
                found.checks[i] = Frame.check(leaf, index);
            }
            found.lookedUp++;
        }
    }

    private static @Nullable Tree firstAfter(List<Tree> trees, long address, long block) {
        for (Tree tree : trees) {
            if (address < tree.floorAddress() && block >= tree.deletedUpTo()) {
                return tree;
            }
        }
        return null;
    }

    /** The frame of the leaf that covers {@code block}; 0 if there is none. */
    private long leaf(MapRoot root, long block) {
        PageRef page = PageRef.root(root);
        while (page.isPage()) {
            int level = page.level();
            if (loaded[level] != page.pointer()) {
                loaded[level] = 0;
                pages.read(page.pointer(), page.check(), level, page.firstBlock(), frames[level]);
                loaded[level] = page.pointer();
                pagesRead++;
            }
            if (level == 0) {
                return frames[0];
            }
            page = page.child(frames[level], (int) ((block - page.firstBlock()) / page.entrySpan()));
        }
        return 0;
    }
}
