package io.varve.engine.map;

/**
 * A walk in block order over what a map, or two of them, say of a range. Reads a bounded number of leaves and then
 * stops short, so that one question never keeps a loop for long. Used once, by the volume's loop.
 */
public abstract class ExtentWalk {
    /** Leaves that one walk looks at: of a volume full of data they cover 1 GiB. */
    static final int MAX_LEAVES = 512;

    /** Takes what a walk finds. */
    public interface Sink {
        /** A range and its value; false if it does not want it, nor anything behind it. */
        boolean add(long firstBlock, long endBlock, int value);
    }

    private int leavesLeft = MAX_LEAVES;

    /**
     * Goes on from {@code firstBlock} up to {@code endBlock}.
     *
     * @return the block to go on with once {@link #load} has called back, if {@link #lacksPage}; otherwise this is the
     *     end
     */
    public abstract long walk(long firstBlock, long endBlock, Sink sink);

    /** True if the last step ended where a page is not resident. */
    public abstract boolean lacksPage();

    /** Brings in the page that the last step lacked. */
    public abstract void load(MapLoader.Callback callback);

    /** Takes one leaf off the budget; false if it is used up. */
    final boolean takeLeaf() {
        return leavesLeft-- > 0;
    }

    /** Blocks under one entry of {@code node}. */
    static long span(Node node) {
        return node.level > BlockMap.ROOT_LEVEL
                ? Node.entrySpan(BlockMap.ROOT_LEVEL) * Frame.ENTRIES
                : Node.entrySpan(node.level);
    }
}
