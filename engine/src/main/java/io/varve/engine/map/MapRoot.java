package io.varve.engine.map;

import org.jspecify.annotations.Nullable;

/**
 * The root of a frozen tree: a page on disk, a state of the whole tree, or a node that a checkpoint has yet to write.
 *
 * @param pointer the root page's place, {@link Frame#HOLE} or {@link Frame#ZERO}; or {@link Frame#CHILD} with a node
 * @param check the root page's CRC32C
 * @param birth the newest generation that the tree can hold
 * @param node the node to write, if it is not on disk
 */
public record MapRoot(
        long pointer, int check, long birth, @Nullable Object node) {
    /** The tree of a new volume. */
    public static final MapRoot EMPTY = new MapRoot(Frame.HOLE, 0, 0, null);

    @Nullable
    Node unwritten() {
        return node instanceof Node unwritten && !unwritten.isOnDisk() ? unwritten : null;
    }

    /** The root page's place once {@link MapWriter} has written this tree. */
    public long writtenPointer() {
        return node instanceof Node n ? (n.isOnDisk() ? n.pointer : n.writtenPointer) : pointer;
    }

    /** The root page's check once {@link MapWriter} has written this tree. */
    public int writtenCheck() {
        return node instanceof Node n ? (n.isOnDisk() ? n.check : n.writtenCheck) : check;
    }
}
