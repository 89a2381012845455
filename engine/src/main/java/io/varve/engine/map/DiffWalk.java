package io.varve.engine.map;

import org.jspecify.annotations.Nullable;

/**
 * Tells which blocks of a map read otherwise than in an older one: 1 where they do, 0 where they do not. Where both
 * have the same page nothing below it is looked at, so that the walk costs as much as was changed. Addresses never
 * change, so that an equal entry is an equal block; all states that read as zeroes are equal.
 */
public final class DiffWalk extends ExtentWalk {
    /** The block reads as it did. */
    public static final int SAME = 0;
    /** The block was changed. */
    public static final int CHANGED = 1;

    private static final long NONE = -1;

    private final BlockMap map;
    private final MapLoader loader;
    private final BlockMap older;
    private final MapLoader olderLoader;
    private long lackingBlock = NONE;
    private boolean olderLacks;

    public DiffWalk(BlockMap map, MapLoader loader, BlockMap older, MapLoader olderLoader) {
        this.map = map;
        this.loader = loader;
        this.older = older;
        this.olderLoader = olderLoader;
    }

    @Override
    public long walk(long firstBlock, long endBlock, Sink sink) {
        lackingBlock = NONE;
        Node top = map.top();
        Node olderTop = older.top();
        return visit(side(top, 0), side(olderTop, 0), BlockMap.ROOT_LEVEL, firstBlock, endBlock, sink);
    }

    @Override
    public boolean lacksPage() {
        return lackingBlock != NONE;
    }

    @Override
    public void load(MapLoader.Callback callback) {
        (olderLacks ? olderLoader : loader).load(lackingBlock, callback);
    }

    /** What one of the trees has at a place: a resident page, one that is not, or a state of all blocks below. */
    private record Side(@Nullable Node node, long entry) {
        boolean isPage() {
            return node != null || entry > Frame.CHILD;
        }

        /** Where the page is on disk; 0 if it is nowhere yet. */
        long pointer() {
            return node == null ? entry : node.pointer;
        }

        /** What the other tree has under an entry of this page. */
        Side child(int index) {
            return node == null ? this : side(node, index);
        }

        boolean isSamePage(Side other) {
            return isPage() && other.isPage() && pointer() > Frame.CHILD && pointer() == other.pointer();
        }
    }

    private static Side side(Node parent, int index) {
        return new Side(parent.children[index], Frame.entry(parent.frame, index));
    }

    /** Answers how far it came. */
    private long visit(Side mine, Side old, int level, long from, long to, Sink sink) {
        if ((!mine.isPage() && !old.isPage()) || mine.isSamePage(old)) {
            return sink.add(from, to, SAME) ? to : from;
        }
        if (lacks(mine, from, false) || lacks(old, from, true)) {
            return from;
        }
        if (level == 0) {
            return takeLeaf() ? visitLeaves(mine.node(), old.node(), from, to, sink) : from;
        }
        long span = Node.entrySpan(level);
        long block = from;
        while (block < to) {
            long end = Math.min(to, (block / span + 1) * span);
            int index = Node.index(level, block);
            long reached = visit(mine.child(index), old.child(index), level - 1, block, end, sink);
            if (reached < end) {
                return reached;
            }
            block = end;
        }
        return block;
    }

    private boolean lacks(Side side, long block, boolean isOlder) {
        Node node = side.node();
        if (node != null) {
            node.referenced = true;
            return false;
        }
        if (!side.isPage()) {
            return false;
        }
        lackingBlock = block;
        olderLacks = isOlder;
        return true;
    }

    private static long visitLeaves(@Nullable Node mine, @Nullable Node old, long from, long to, Sink sink) {
        long block = from;
        while (block < to) {
            int value = compare(mine, old, block);
            long end = block + 1;
            while (end < to && compare(mine, old, end) == value) {
                end++;
            }
            if (!sink.add(block, end, value)) {
                return block;
            }
            block = end;
        }
        return block;
    }

    private static int compare(@Nullable Node mine, @Nullable Node old, long block) {
        return entry(mine, block) == entry(old, block) ? SAME : CHANGED;
    }

    /** The block's address, or HOLE for everything that reads as zeroes. */
    private static long entry(@Nullable Node leaf, long block) {
        long entry = leaf == null ? Frame.HOLE : Frame.entry(leaf.frame, Node.index(0, block));
        return entry <= Frame.CHILD ? Frame.HOLE : entry;
    }
}
