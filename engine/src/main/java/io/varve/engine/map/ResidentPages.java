package io.varve.engine.map;

import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which pages of one map are in memory: what has to come in on the way to a leaf, where it is put, and what goes. The
 * map's thread only.
 */
final class ResidentPages {
    private static final int ROOT_LEVEL = BlockMap.ROOT_LEVEL;
    private static final int EVICT_AT_ONCE = 32;

    private final FramePool pool;
    private final Node top;
    private final LongSupplier generation;
    private final EvictionRing ring = new EvictionRing();

    /**
     * @param top the node above the root
     * @param generation the map's generation as it is now
     */
    ResidentPages(FramePool pool, Node top, LongSupplier generation) {
        this.pool = pool;
        this.top = top;
        this.generation = generation;
    }

    /** The page that has to come in next on the way to {@code block}'s leaf, under a page that is resident. */
    record Want(Node parent, long pointer, int check, int level, long firstBlock) {}

    /** What to bring in for {@code block}; null if its leaf is resident. */
    @Nullable
    Want want(long block) {
        Node node = top;
        for (int level = ROOT_LEVEL + 1; level > 0; level--) {
            int index = level > ROOT_LEVEL ? 0 : Node.index(level, block);
            Node child = node.children[index];
            if (child == null) {
                long entry = Frame.entry(node.frame, index);
                if (entry <= Frame.ZERO) {
                    return null;
                }
                long first = node.firstBlock + (level > ROOT_LEVEL ? 0 : index * Node.entrySpan(level));
                return new Want(node, entry, Frame.check(node.frame, index), level - 1, first);
            }
            node = child;
            node.referenced = true;
        }
        return null;
    }

    /** True if room has to be made for the next page that is read, and can be. */
    boolean mustEvict() {
        return pool.isTight() && ring.size() > 0;
    }

    /** Spares the way to a page that is about to be read, and evicts others if told to. */
    void await(Want page, boolean evict) {
        page.parent().awaited++;
        if (evict) {
            ring.evict(EVICT_AT_ONCE, 1, this::evict);
        }
    }

    /** The page has come, or never will. */
    void stopAwaiting(Want page) {
        page.parent().awaited--;
    }

    /** Puts a page that was read into the tree, unless the tree has moved on. Takes {@code frame} over. */
    void attach(Want page, long birth, long frame) {
        Node node = top;
        while (true) {
            int index = node.level > ROOT_LEVEL ? 0 : Node.index(node.level, page.firstBlock());
            Node child = node.children[index];
            if (child == null) {
                boolean wanted = node.level == page.level() + 1 && Frame.entry(node.frame, index) == page.pointer();
                if (!wanted) {
                    break;
                }
                Node loaded = new Node(page.level(), page.firstBlock(), birth, frame);
                loaded.pointer = page.pointer();
                loaded.check = page.check();
                loaded.entries = Frame.entries(frame);
                loaded.referenced = true;
                node.children[index] = loaded;
                node.residentChildren++;
                ring.join(loaded);
                return;
            }
            if (child.level <= page.level()) {
                break;
            }
            node = child;
        }
        pool.release(frame);
    }

    /**
     * Evicts up to {@code pages} clean pages that were not looked up lately. Not between the look-up of a leaf and its
     * use.
     *
     * @return how many were evicted
     */
    int evict(int pages) {
        return ring.evict(pages, 2, this::evict);
    }

    private boolean evict(Node node) {
        if (node.residentChildren > 0 || node.awaited > 0) {
            return false;
        }
        Node parent = parentOf(node);
        if (!nameIn(parent, node)) {
            return false;
        }
        parent.children[indexIn(parent, node)] = null;
        parent.residentChildren--;
        release(node);
        return true;
    }

    /** Resident pages that are on disk. */
    int cleanPages() {
        return ring.size();
    }

    /** Pages that were looked at so far to find some for eviction. */
    long visits() {
        return ring.visits();
    }

    /** A page is on disk now: it may be evicted from here on. */
    void written(Node node) {
        nameIn(parentOf(node), node);
        ring.join(node);
    }

    /** Gives a page's memory back; whoever points at it forgets it. */
    void release(Node node) {
        ring.leave(node);
        if (node.frame != 0) {
            pool.release(node.frame);
            node.frame = 0;
        }
    }

    /**
     * Has the page above a page on disk name its place, after which the page may be evicted.
     *
     * @return false if that has to wait until the page above, which is being written, is on disk too
     */
    private boolean nameIn(Node parent, Node node) {
        int index = indexIn(parent, node);
        if (Frame.entry(parent.frame, index) == Frame.CHILD) {
            boolean beingWritten = !parent.isOnDisk() && parent.birth < generation.getAsLong();
            if (beingWritten) {
                return false;
            }
            Frame.set(parent.frame, index, node.pointer, node.check);
        }
        return true;
    }

    private static int indexIn(Node parent, Node node) {
        return parent.level > ROOT_LEVEL ? 0 : Node.index(parent.level, node.firstBlock);
    }

    private Node parentOf(Node node) {
        Node parent = top;
        while (parent.level > node.level + 1) {
            Node child = parent.children[indexIn(parent, node)];
            if (child == null) {
                throw new IllegalStateException("a resident page without resident parents");
            }
            parent = child;
        }
        return parent;
    }
}
