package io.varve.engine.check;

import io.varve.engine.io.DiskException;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.SegmentEntry;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.DamagedPageException;
import io.varve.engine.map.Frame;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.PageFile;
import io.varve.engine.meta.PagePointer;
import io.varve.engine.meta.PageSpace;
import io.varve.engine.meta.Table;
import io.varve.engine.reclaim.PageRef;
import io.varve.engine.reclaim.SubtreeTable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts everything that a generation of the store keeps from scratch, and holds the tables against it: live blocks of
 * each segment, pages of the map file that are in use, used blocks of volumes and snapshots, births and floors.
 *
 * <p>Each tree is held against the tree kept before it. Where both have the same page nothing is read, so that every page
 * is read once, and once more where the tree after it differs; where they differ, what is in the younger one only must
 * have been born after the older one was kept. So every live block is counted exactly once, without a set of blocks.
 * Waits for storage; one thread.
 */
public final class Recount {
    private static final String MAP = "map";

    private final PageFile pages;
    private final Table slabs;
    private final Findings findings;
    private final LiveBlock liveBlock;
    private final Map<Long, SegmentEntry> segments = new HashMap<>();
    private final Map<Long, Integer> live = new HashMap<>();
    private final Map<KeptTree, Long> used = new HashMap<>();
    private final Map<Long, Long> trimmed = new HashMap<>();
    private final ReachedPages reached = new ReachedPages();
    private final DamagedPages damaged;
    private final TreePages before;
    private final long[] own = new long[BlockMap.ROOT_LEVEL + 1];
    private long liveBlocks;

    /** Told of every live block, once. */
    @FunctionalInterface
    public interface LiveBlock {
        /**
         * A block that {@code tree} reads and no older one does.
         *
         * @param check the CRC32C that its data must have
         */
        void found(KeptTree tree, long block, long address, int check);
    }

    /**
     * @param segments the table of segments
     * @param slabs the table of what is in use of the map file
     */
    public Recount(
            PageFile pages,
            FramePool frames,
            List<SegmentEntry> segments,
            Table slabs,
            Findings findings,
            LiveBlock liveBlock) {
        this.pages = pages;
        this.slabs = slabs;
        this.findings = findings;
        this.liveBlock = liveBlock;
        for (SegmentEntry segment : segments) {
            if (segment.isSegment()) {
                this.segments.put(segment.id(), segment);
            }
        }
        before = new TreePages(pages, frames);
        damaged = new DamagedPages(new TreePages(pages, frames));
        for (int i = 0; i < own.length; i++) {
            own[i] = frames.allocate();
        }
    }

    /**
     * Counts.
     *
     * @param chains all of the store, each behind those that its origin is in
     * @param subtrees what is being worked off and still held
     */
    public void run(List<Chain> chains, List<SubtreeTable.Waiting> subtrees) {
        for (Chain chain : chains) {
            for (int i = 0; i < chain.trees().size(); i++) {
                KeptTree tree = chain.trees().get(i);
                used.put(tree, new Walk(chain, i).visit(tree.root()));
            }
        }
        for (SubtreeTable.Waiting subtree : subtrees) {
            long blocks = new Leftover(subtree).visit(subtree.page());
            if (subtree.trimmed()) {
                trimmed.merge(subtree.volumeNumber(), blocks, Recount::sum);
            }
        }
        damaged.tell(chains, findings);
        compare(chains);
    }

    /** Live blocks counted. */
    public long liveBlocks() {
        return liveBlocks;
    }

    /** Map pages met. */
    public long pages() {
        return reached.pages();
    }

    /** Blocks with data that a tree reads, or {@link KeptTree#UNKNOWN}. */
    public long usedBlocks(KeptTree tree) {
        return used.getOrDefault(tree, KeptTree.UNKNOWN);
    }

    private static long sum(long a, long b) {
        return a == ReachedPages.UNKNOWN || b == ReachedPages.UNKNOWN ? ReachedPages.UNKNOWN : a + b;
    }

    private void reach(PageRef page, String name) {
        if (!PageSpace.isAllocated(slabs, page.pointer())) {
            findings.damage(MAP, place(page) + " is in use and counts as free: it may be overwritten", List.of(name));
        }
        if (reached.isMet(PagePointer.unitOffset(page.pointer()))) {
            findings.damage(MAP, place(page) + " was met before, in a tree that does not share it", List.of(name));
        }
        reached.put(page, ReachedPages.UNKNOWN);
    }

    private static String place(PageRef page) {
        return "page of level " + page.level() + " at offset " + PagePointer.positionBytes(page.pointer())
                + " for blocks " + page.firstBlock() + " to " + (page.endBlock() - 1);
    }

    /** Brings a page in and answers its birth; a negative number if it cannot be read. */
    private long read(PageRef page) {
        try {
            return pages.read(page.pointer(), page.check(), page.level(), page.firstBlock(), own[page.level()]);
        } catch (DamagedPageException | DiskException e) {
            findings.countsAreIncomplete();
            damaged.add(page, place(page) + ": " + e.getMessage());
            return -1;
        }
    }

    private void countLive(long address) {
        live.merge(BlockAddress.segmentId(address), 1, Integer::sum);
        liveBlocks++;
    }

    /** One tree, held against those kept before. */
    private final class Walk {
        private final Chain chain;
        private final KeptTree tree;
        private final int index;

        Walk(Chain chain, int index) {
            this.chain = chain;
            this.index = index;
            this.tree = chain.trees().get(index);
        }

        /** The newest tree before this one that is still kept for a part of the range that ends there. */
        private @Nullable KeptTree previous(long endBlock) {
            for (int i = index - 1; i >= 0; i--) {
                if (chain.trees().get(i).heldFrom() < endBlock) {
                    return chain.trees().get(i);
                }
            }
            return chain.origin();
        }

        /** The blocks with data under a page; {@link ReachedPages#UNKNOWN} if part of it cannot be read. */
        long visit(PageRef page) {
            if (!page.isPage() || page.endBlock() <= tree.heldFrom()) {
                return 0;
            }
            KeptTree previous = previous(page.endBlock());
            PageRef there = previous == null ? null : corresponding(previous, page);
            boolean shared = there != null && there.pointer() == page.pointer();
            boolean isWhole = previous == null || previous.heldFrom() <= page.firstBlock();
            if (shared && isWhole && reached.blocks(page) != ReachedPages.NOT_MET) {
                return reached.blocks(page);
            }
            if (!shared) {
                reach(page, tree.name());
            }
            long birth = read(page);
            if (birth < 0) {
                return ReachedPages.UNKNOWN;
            }
            checkBirth(page, birth, previous, shared, previous == null || there != null);
            long blocks = page.level() == 0 ? visitLeaf(page, previous, there) : visitChildren(page);
            reached.put(page, blocks);
            return blocks;
        }

        private @Nullable PageRef corresponding(KeptTree previous, PageRef page) {
            try {
                return before.at(previous.root(), page.level(), page.firstBlock());
            } catch (DamagedPageException | DiskException e) {
                return null; // told when that tree was walked
            }
        }

        private void checkBirth(
                PageRef page, long birth, @Nullable KeptTree previous, boolean shared, boolean comparable) {
            long floor = previous == null ? 0 : previous.equals(chain.origin()) ? chain.baseBirth() : previous.birth();
            if (birth > tree.newestBirth()) {
                findings.damage(
                        MAP,
                        place(page) + " is of generation " + birth + ", and the tree of " + tree.newestBirth(),
                        names());
            } else if (comparable && shared != (birth <= floor)) {
                String how = shared ? " is shared with " : " is not in the tree of ";
                findings.damage(
                        MAP,
                        place(page) + " is of generation " + birth + " and" + how
                                + (previous == null ? "nothing" : previous.name()) + ", which keeps those up to "
                                + floor,
                        names());
            }
        }

        private List<String> names() {
            return List.of(tree.name());
        }

        private long visitChildren(PageRef page) {
            long blocks = 0;
            for (int i = 0; i < Frame.ENTRIES; i++) {
                blocks = sum(blocks, visit(page.child(own[page.level()], i)));
            }
            return blocks;
        }

        private long visitLeaf(PageRef page, @Nullable KeptTree previous, @Nullable PageRef there) {
            long other = 0;
            try {
                other = there != null && there.isPage() ? before.frame(there) : 0;
            } catch (DamagedPageException | DiskException e) {
                findings.countsAreIncomplete(); // and told when that tree was walked
            }
            boolean comparable = previous == null || there != null && (!there.isPage() || other != 0);
            long blocks = 0;
            long preceding = 0;
            for (int i = 0; i < Frame.ENTRIES; i++) {
                long entry = Frame.entry(own[0], i);
                if (entry > Frame.CHILD) {
                    blocks++;
                    boolean shared = other != 0 && Frame.entry(other, i) == entry;
                    visitBlock(page.firstBlock() + i, entry, Frame.check(own[0], i), previous, shared, comparable);
                    checkApart(page.firstBlock() + i, preceding, entry);
                }
                preceding = entry;
            }
            return blocks;
        }

        private void visitBlock(
                long block, long address, int check, @Nullable KeptTree previous, boolean shared, boolean comparable) {
            long floor = previous == null
                    ? 0
                    : previous.equals(chain.origin()) ? chain.baseAddress() : previous.floorAddress();
            if (comparable && shared != (address < floor)) {
                String how = shared ? "is shared with " : "is not in the tree of ";
                findings.damage(
                        MAP,
                        "block " + block + " has address " + Long.toHexString(address) + " and " + how
                                + (previous == null ? "nothing" : previous.name()) + ", which keeps those below "
                                + Long.toHexString(floor),
                        names());
            }
            if (comparable ? shared : address < floor) {
                return;
            }
            countLive(address);
            checkPlace(block, address);
            liveBlock.found(tree, block, address, check);
        }

        /** Only blocks of one frame have addresses so near to each other. */
        private void checkApart(long block, long preceding, long address) {
            boolean near = Math.abs(address - preceding) < BlockAddress.BLOCK_SLOTS;
            SegmentEntry segment = near ? segments.get(BlockAddress.segmentId(address)) : null;
            if (segment != null && !segment.framed()) {
                String wrong = " is in one frame with the block before it, in segment " + segment.id();
                findings.damage(MAP, "block " + block + wrong + ", which the table has as plain", names());
            }
        }

        private void checkPlace(long block, long address) {
            long id = BlockAddress.segmentId(address);
            long offset = BlockAddress.offset(address);
            SegmentEntry segment = segments.get(id);
            String wrong = null;
            if (segment == null) {
                wrong = "is in segment " + id + ", which is not in the table";
            } else if (segment.volume() != chain.volume()) {
                wrong = "is in segment " + id + " of the volume number " + segment.volume() + ", not " + chain.volume();
            } else if (!segment.covers(offset)) {
                wrong = "is at offset " + offset + " of segment " + id + ", which has " + segment.capacityBytes()
                        + " bytes";
            } else if (address >= tree.floorAddress()) {
                wrong = "is younger than its tree, which ends at " + Long.toHexString(tree.floorAddress());
            } else if (block >= tree.sizeBlocks()) {
                wrong = "is beyond the end, which is at block " + tree.sizeBlocks();
            }
            if (wrong != null) {
                findings.damage(MAP, "block " + block + " " + wrong, names());
            }
        }
    }

    /** A subtree that waits to be worked off. */
    private final class Leftover {
        private final SubtreeTable.Waiting subtree;
        private final String name;

        Leftover(SubtreeTable.Waiting subtree) {
            this.subtree = subtree;
            this.name = "a subtree being reclaimed of volume number " + subtree.volumeNumber();
        }

        long visit(PageRef page) {
            if (!page.isPage() || page.endBlock() <= subtree.doneUpTo()) {
                return 0;
            }
            long birth = read(page);
            if (birth < 0) {
                return ReachedPages.UNKNOWN;
            }
            if (birth > subtree.floors().birthUpTo(page.endBlock())) {
                reach(page, name);
            }
            long blocks = 0;
            for (int i = 0; i < Frame.ENTRIES; i++) {
                if (page.level() > 0) {
                    blocks = sum(blocks, visit(page.child(own[page.level()], i)));
                } else if (Frame.entry(own[0], i) > Frame.CHILD) {
                    blocks++;
                    visitBlock(page.firstBlock() + i, Frame.entry(own[0], i));
                }
            }
            return blocks;
        }

        private void visitBlock(long block, long address) {
            if (address >= subtree.floors().addressAt(block)) {
                countLive(address);
                if (!segments.containsKey(BlockAddress.segmentId(address))) {
                    findings.damage(
                            MAP,
                            "block " + block + " of " + name + " is in segment " + BlockAddress.segmentId(address)
                                    + ", which is not in the table",
                            List.of());
                }
            }
        }
    }

    // ---- the tables ----

    private void compare(List<Chain> chains) {
        boolean incomplete = findings.areCountsIncomplete();
        for (SegmentEntry segment : segments.values()) {
            int counted = live.getOrDefault(segment.id(), 0);
            if (counted > segment.liveBlocks() || counted < segment.liveBlocks() && !incomplete) {
                findings.count(
                        "segment " + segment.id(),
                        "has " + counted + " live blocks and counts " + segment.liveBlocks(),
                        List.of());
            }
        }
        if (!incomplete) {
            PageSpace.forEachAllocated(slabs, (unit, bytes) -> {
                if (!reached.isMet(unit)) {
                    findings.count(
                            MAP,
                            bytes + " bytes at offset " + unit * PagePointer.UNIT_BYTES
                                    + " count as in use and belong to no tree",
                            List.of());
                }
            });
        }
        for (Chain chain : chains) {
            chain.trees().forEach(tree -> compareUsed(chain, tree));
        }
    }

    private void compareUsed(Chain chain, KeptTree tree) {
        long counted = used.getOrDefault(tree, ReachedPages.UNKNOWN);
        long expected = tree.isSnapshot() ? counted : sum(counted, trimmed.getOrDefault(chain.volume(), 0L));
        boolean known = tree.usedBlocks() != KeptTree.UNKNOWN && expected != ReachedPages.UNKNOWN;
        if (known && tree.heldFrom() == 0 && expected != tree.usedBlocks()) {
            findings.count(
                    tree.name(),
                    "reads " + expected + " blocks with data and counts " + tree.usedBlocks(),
                    List.of(tree.name()));
        }
    }
}
