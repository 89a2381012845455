package io.varve.engine.map;

import io.varve.engine.Extents;

/** Tells what stands in a range of one map. A subtree that is a hole or zero as a whole is one step. */
public final class StatusWalk extends ExtentWalk {
    private static final long NONE = -1;

    /** Gives an entry of a leaf, or one that stands for a whole subtree, its value. */
    public interface Classifier {
        int valueOf(long entry);
    }

    private final BlockMap map;
    private final MapLoader loader;
    private final Classifier classifier;
    private long lackingBlock = NONE;

    public StatusWalk(BlockMap map, MapLoader loader, Classifier classifier) {
        this.map = map;
        this.loader = loader;
        this.classifier = classifier;
    }

    /** Data, hole or zero. */
    public static int stateOf(long entry) {
        return entry == Frame.HOLE ? Extents.HOLE : entry == Frame.ZERO ? Extents.ZERO : Extents.DATA;
    }

    @Override
    public long walk(long firstBlock, long endBlock, Sink sink) {
        lackingBlock = NONE;
        return visit(map.top(), firstBlock, endBlock, sink);
    }

    @Override
    public boolean lacksPage() {
        return lackingBlock != NONE;
    }

    @Override
    public void load(MapLoader.Callback callback) {
        loader.load(lackingBlock, callback);
    }

    /** Answers how far it came. */
    private long visit(Node node, long from, long to, Sink sink) {
        node.referenced = true;
        if (node.level == 0) {
            return takeLeaf() ? visitLeaf(node, from, to, sink) : from;
        }
        long span = span(node);
        int index = (int) ((from - node.firstBlock) / span);
        long block = from;
        while (block < to) {
            long end = Math.min(to, node.firstBlock + (index + 1) * span);
            Node child = node.children[index];
            long reached = child != null ? visit(child, block, end, sink) : visitEntry(node, index, block, end, sink);
            if (reached < end) {
                return reached;
            }
            block = end;
            index++;
        }
        return block;
    }

    private long visitEntry(Node node, int index, long from, long to, Sink sink) {
        long entry = Frame.entry(node.frame, index);
        if (entry > Frame.ZERO) {
            lackingBlock = from;
            return from;
        }
        return sink.add(from, to, classifier.valueOf(entry)) ? to : from;
    }

    private long visitLeaf(Node leaf, long from, long to, Sink sink) {
        long block = from;
        while (block < to) {
            int value = valueAt(leaf, block);
            long end = block + 1;
            while (end < to && valueAt(leaf, end) == value) {
                end++;
            }
            if (!sink.add(block, end, value)) {
                return block;
            }
            block = end;
        }
        return block;
    }

    private int valueAt(Node leaf, long block) {
        return classifier.valueOf(Frame.entry(leaf.frame, Node.index(0, block)));
    }
}
