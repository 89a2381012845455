package io.varve.engine.map;

import io.varve.engine.log.BlockAddress;
import org.jspecify.annotations.Nullable;

/**
 * The block map of one volume: block number → where the bytes are and what their CRC32C is. A path-copying radix tree of
 * four levels with 512 entries a page, so that a leaf covers 2 MiB and the root 256 TiB; freezing it is O(1) and leaves
 * an immutable tree. Pages come in on demand and are evicted when memory is short.
 *
 * <p>Owned by the volume's loop; {@link #leaf} and {@link #setRun} are on the hot path. Changing calls need the pages that
 * they touch to be resident: {@link #missing} says which is not, {@link MapLoader} brings it in.
 */
public final class BlockMap {
    /** Level of the root page. */
    public static final int ROOT_LEVEL = 3;

    private final FramePool pool;
    /** Stands above the root so that the root is a child like any other; never frozen, never written. */
    private final Node top;

    private final ResidentPages resident;
    private final DirtyPages dirty;
    private long generation;
    private Floors floors;
    private MapChanges changes = new MapChanges();

    /** The leaf of a range that is a hole or zero as a whole. */
    private final Node holes = new Node(0, 0, 0, 0);

    private final Node zeroes = new Node(0, 0, 0, 0);

    /**
     * @param root the tree to begin with, on disk or empty
     * @param generation larger than any birth in that tree
     */
    public BlockMap(FramePool pool, MapRoot root, long generation, Floors floors) {
        this.pool = pool;
        this.generation = generation;
        this.floors = floors;
        top = new Node(ROOT_LEVEL + 1, 0, Long.MAX_VALUE, pool.allocate());
        resident = new ResidentPages(pool, top, this::generation);
        dirty = new DirtyPages(pool);
        Frame.fill(top.frame, Frame.HOLE);
        Frame.set(top.frame, 0, root.pointer(), root.check());
    }

    /** Gives all memory back. */
    public void close() {
        releaseTree(top);
        giveUp();
    }

    /** No checkpoint writes what is dirty any more: others have no use in waiting for one. Nothing is changed after this. */
    public void giveUp() {
        dirty.giveUp();
    }

    private void releaseTree(Node node) {
        for (Node child : node.children) {
            if (child != null) {
                releaseTree(child);
            }
        }
        resident.release(node);
    }

    // ---- look-up ----

    /** The leaf that covers {@code block}, opaque to callers; null if it is not resident. */
    public @Nullable Object leaf(long block) {
        Node node = top;
        for (int level = ROOT_LEVEL + 1; level > 0; level--) {
            int index = level > ROOT_LEVEL ? 0 : Node.index(level, block);
            Node child = node.children[index];
            if (child == null) {
                long entry = Frame.entry(node.frame, index);
                return entry == Frame.HOLE ? holes : entry == Frame.ZERO ? zeroes : null;
            }
            node = child;
            node.referenced = true;
        }
        return node;
    }

    /** The entry of {@code block} in the leaf that {@link #leaf} gave. */
    public long entry(Object leaf, long block) {
        if (leaf == holes) {
            return Frame.HOLE;
        }
        return leaf == zeroes ? Frame.ZERO : Frame.entry(((Node) leaf).frame, Node.index(0, block));
    }

    /** The CRC32C of {@code block}'s data, where its entry is an address. */
    public int check(Object leaf, long block) {
        return Frame.check(((Node) leaf).frame, Node.index(0, block));
    }

    /** The first block of the range whose leaf is not resident, or -1. */
    public long missing(long firstBlock, long endBlock) {
        for (long block = firstBlock; block < endBlock; block = (block | (Frame.ENTRIES - 1)) + 1) {
            if (leaf(block) == null) {
                return block;
            }
        }
        return -1;
    }

    /** The first block that {@link #clear} of the range needs and whose leaf is not resident, or -1. */
    public long missingForClear(long firstBlock, long endBlock) {
        if (leaf(firstBlock) == null && firstBlock % Frame.ENTRIES != 0) {
            return firstBlock;
        }
        if (leaf(endBlock - 1) == null && endBlock % Frame.ENTRIES != 0) {
            return endBlock - 1;
        }
        long missingPath = missingAbove(firstBlock);
        missingPath = missingPath >= 0 ? missingPath : missingAbove(endBlock - 1);
        if (missingPath < 0 && floors.cursorIsInside(firstBlock, endBlock)) {
            missingPath = leaf(floors.cursorBlock()) == null ? floors.cursorBlock() : -1;
        }
        return missingPath;
    }

    /** {@code block} if an interior page above it is not resident, or -1. */
    private long missingAbove(long block) {
        Node node = top;
        for (int level = ROOT_LEVEL + 1; level > 1; level--) {
            int index = level > ROOT_LEVEL ? 0 : Node.index(level, block);
            Node child = node.children[index];
            if (child == null) {
                return Frame.entry(node.frame, index) <= Frame.ZERO ? -1 : block;
            }
            node = child;
        }
        return -1;
    }

    /** The node above the root, for walks. */
    Node top() {
        return top;
    }

    // ---- change ----

    /** Points {@code count} blocks at neighbouring addresses, {@code stride} apart, of one segment. Their leaves are resident. */
    public void setRun(long firstBlock, int count, long address, int stride, int[] checks, int checkAt) {
        int done = 0;
        while (done < count) {
            long block = firstBlock + done;
            Node leaf = writableLeaf(block);
            int index = Node.index(0, block);
            int run = Math.min(count - done, Frame.ENTRIES - index);
            int holes = 0;
            for (int i = 0; i < run; i++) {
                long entry = Frame.entry(leaf.frame, index + i);
                holes += entry == Frame.HOLE ? 1 : 0;
                account(entry, block + i);
                Frame.set(leaf.frame, index + i, address + (long) (done + i) * stride, checks[checkAt + done + i]);
            }
            dirty.addEntries(leaf, holes);
            done += run;
        }
        changes.addUsed(count);
        changes.addLive(BlockAddress.segmentId(address), count);
    }

    /** Counts a replaced entry. */
    private void account(long entry, long block) {
        if (entry > Frame.CHILD) {
            changes.addUsed(-1);
            if (entry >= floors.addressAt(block)) {
                changes.addDead(entry);
            }
        }
    }

    private Node writableLeaf(long block) {
        Node node = top;
        for (int level = ROOT_LEVEL + 1; level > 0; level--) {
            node = writableChild(node, level > ROOT_LEVEL ? 0 : Node.index(level, block));
        }
        return node;
    }

    private Node writableChild(Node parent, int index) {
        Node child = parent.children[index];
        if (child != null && child.birth == generation) {
            return child;
        }
        Node writable;
        if (child == null) {
            long entry = Frame.entry(parent.frame, index);
            if (entry > Frame.ZERO) {
                throw new IllegalStateException("page not resident: level " + (parent.level - 1));
            }
            long first = parent.firstBlock + (parent.level > ROOT_LEVEL ? 0 : index * Node.entrySpan(parent.level));
            writable = new Node(parent.level - 1, first, generation, pool.allocate());
            Frame.fill(writable.frame, entry);
            writable.entries = entry == Frame.HOLE ? 0 : Frame.ENTRIES;
            parent.residentChildren++;
            dirty.addEntries(parent, entry == Frame.HOLE ? 1 : 0);
        } else {
            writable = new Node(child, generation, pool.allocate());
            detach(child);
        }
        dirty.made(writable);
        parent.children[index] = writable;
        Frame.set(parent.frame, index, Frame.CHILD, 0);
        return writable;
    }

    /** A node leaves the current tree. */
    private void detach(Node node) {
        long end = node.firstBlock + Node.entrySpan(node.level) * Frame.ENTRIES;
        boolean ours = node.birth > floors.birthUpTo(end);
        if (node.isOnDisk()) {
            if (ours) {
                changes.addFreedPage(node.pointer);
            }
            resident.release(node);
        } else if (node.birth == generation) {
            dirty.dropped(node);
            resident.release(node);
        } else {
            node.detached = true;
            node.freeWhenWritten = ours;
        }
    }

    /**
     * Makes a range of blocks {@link Frame#HOLE} or {@link Frame#ZERO}. Whole subtrees are cut off unseen.
     * {@link #missingForClear} is -1.
     */
    public void clear(long firstBlock, long endBlock, long state) {
        clear(top, firstBlock, endBlock, state);
    }

    private void clear(Node node, long firstBlock, long endBlock, long state) {
        long span = node.level > ROOT_LEVEL ? Long.MAX_VALUE >>> 1 : Node.entrySpan(node.level);
        int entries = node.level > ROOT_LEVEL ? 1 : Frame.ENTRIES;
        int from = (int) Math.max(0, (firstBlock - node.firstBlock) / span);
        int to = (int) Math.min(entries - 1, (endBlock - 1 - node.firstBlock) / span);
        for (int i = from; i <= to; i++) {
            long first = node.firstBlock + i * span;
            long entry = Frame.entry(node.frame, i);
            boolean whole = first >= firstBlock && first + span <= endBlock;
            if (node.level == 0) {
                account(entry, first);
                setState(node, i, state);
            } else if (node.children[i] == null && entry <= Frame.ZERO && (whole || entry == state)) {
                setState(node, i, state);
            } else if (whole && !floors.cursorIsInside(first, first + span)) {
                drop(node, i);
                if (node.children[i] != null) {
                    node.children[i] = null;
                    node.residentChildren--;
                }
                setState(node, i, state);
            } else {
                clear(writableChild(node, i), firstBlock, endBlock, state);
            }
        }
    }

    private void setState(Node node, int index, long state) {
        int before = Frame.entry(node.frame, index) == Frame.HOLE ? 0 : 1;
        Frame.set(node.frame, index, state, 0);
        dirty.addEntries(node, (state == Frame.HOLE ? 0 : 1) - before);
    }

    /** Accounts for the subtree under an entry that is about to be overwritten. Changes nothing in {@code parent}. */
    private void drop(Node parent, int index) {
        Node child = parent.children[index];
        long entry = Frame.entry(parent.frame, index);
        if (child == null || child.isOnDisk()) {
            long first = parent.firstBlock + index * Node.entrySpan(parent.level);
            if (child != null) {
                addDropped(child.pointer, child.check, parent.level - 1, first);
                releaseTree(child);
            } else if (entry > Frame.CHILD) {
                addDropped(entry, Frame.check(parent.frame, index), parent.level - 1, first);
            }
            return;
        }
        for (int i = 0; i < Frame.ENTRIES; i++) {
            if (child.level > 0) {
                drop(child, i);
            } else {
                account(Frame.entry(child.frame, i), child.firstBlock + i);
            }
        }
        detach(child);
    }

    private void addDropped(long pointer, int check, int level, long first) {
        long end = first + Node.entrySpan(level) * Frame.ENTRIES;
        changes.addDropped(
                new MapChanges.Dropped(pointer, check, level, first, floors.addressAt(first), floors.birthUpTo(end)));
    }

    // ---- freeze ----

    /** The tree as it is now, which nothing will change any more. */
    public MapRoot freeze() {
        Node root = top.children[0];
        long birth = generation++;
        if (root == null) {
            return new MapRoot(Frame.entry(top.frame, 0), Frame.check(top.frame, 0), birth, null);
        }
        return root.isOnDisk()
                ? new MapRoot(root.pointer, root.check, birth, null)
                : new MapRoot(Frame.CHILD, 0, birth, root);
    }

    /** The change of used blocks noted since the last {@link #takeChanges}. */
    public long pendingUsedBlocks() {
        return changes.usedBlocks();
    }

    /** What was noted since the last call, for the checkpoint that writes the tree frozen just now. */
    public MapChanges takeChanges() {
        dirty.checkpointBegins();
        MapChanges taken = changes;
        changes = new MapChanges();
        return taken;
    }

    /** The checkpoint that wrote these nodes is durable. */
    public void markOnDisk(WrittenPages written) {
        for (Node node : written.nodes()) {
            node.pointer = node.writtenPointer;
            node.check = node.writtenCheck;
            dirty.written(node);
        }
        for (Node node : written.nodes()) {
            if (!node.detached) {
                resident.written(node);
                continue;
            }
            if (node.freeWhenWritten) {
                changes.addFreedPage(node.pointer);
            }
            resident.release(node);
        }
    }

    /** The generation that pages made now are born in. */
    public long generation() {
        return generation;
    }

    public Floors floors() {
        return floors;
    }

    /** A snapshot was taken, or one is being deleted. */
    public void setFloors(Floors floors) {
        this.floors = floors;
    }

    /** Resident pages that are not on disk and that a checkpoint will write. Any thread. */
    public long dirtyPages() {
        return dirty.pages();
    }

    /** {@link io.varve.engine.meta.PagePointer} units that the resident pages which are not on disk take there at most. Any thread. */
    public long dirtyUnits() {
        return dirty.units();
    }

    // ---- residency ----

    /** For loaders. */
    ResidentPages resident() {
        return resident;
    }

    /** As {@link ResidentPages#evict}. */
    public int evict(int pages) {
        return resident.evict(pages);
    }

    /** Evicts as much as brings the pool within its budget, if this map has it; as {@link #evict} does. */
    public void evictSurplus() {
        long surplus = pool.usedFrames() - pool.budgetFrames();
        if (surplus > 0) {
            evict((int) Math.min(Integer.MAX_VALUE, surplus));
        }
    }

    /** Resident pages that are on disk. */
    public int cleanPages() {
        return resident.cleanPages();
    }

    /** Pages that were looked at so far to find some for eviction. */
    public long evictionVisits() {
        return resident.visits();
    }
}
