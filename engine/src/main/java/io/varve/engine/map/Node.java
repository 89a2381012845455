package io.varve.engine.map;

import io.varve.engine.meta.PagePointer;
import org.jspecify.annotations.Nullable;

/**
 * A resident page of one volume's map. The tree of nodes is persistent: a node that a freeze (checkpoint or snapshot)
 * has seen is never changed again, a changed copy takes its place. {@link #pointer} is 0 until the checkpoint that
 * wrote the page is durable.
 *
 * <p>Owned by the volume's loop. The accountant reads frozen nodes that are not on disk yet: their frames, those
 * children whose entry is {@link Frame#CHILD}, and it writes {@link #writtenPointer} and {@link #writtenCheck}.
 */
final class Node {
    private static final Node[] NO_CHILDREN = {};

    final int level;
    final long firstBlock;
    /** The map's generation in which this node was made. */
    final long birth;
    /** Children in memory, by index; empty on a leaf. */
    final @Nullable Node[] children;

    long frame;
    long pointer;
    int check;
    long writtenPointer;
    int writtenCheck;
    int residentChildren;
    /** Entries that are no hole, which bounds what the packed page takes. */
    int entries;
    /** Children that are being read: as long as there are some, the page is not evicted. */
    int awaited;
    /** No longer in the current tree; the frame is released once the page is on disk. */
    boolean detached;
    /** Detached, and no snapshot needs the page. */
    boolean freeWhenWritten;
    /** Looked up since the eviction hand came by. */
    boolean referenced;
    /** Where it stands in the eviction ring, or -1. */
    int ringIndex = -1;

    Node(int level, long firstBlock, long birth, long frame) {
        this.level = level;
        this.firstBlock = firstBlock;
        this.birth = birth;
        this.frame = frame;
        this.children = level == 0 ? NO_CHILDREN : new Node[Frame.ENTRIES];
    }

    /** A copy that may be changed. */
    Node(Node original, long birth, long frame) {
        this.level = original.level;
        this.firstBlock = original.firstBlock;
        this.birth = birth;
        this.frame = frame;
        this.children = level == 0 ? NO_CHILDREN : original.children.clone();
        this.residentChildren = original.residentChildren;
        this.entries = original.entries;
        Frame.copy(original.frame, frame);
    }

    /** The index in a node of {@code level} under which {@code block} is found. */
    static int index(int level, long block) {
        return (int) (block >>> (level * Frame.ENTRY_BITS)) & (Frame.ENTRIES - 1);
    }

    /** Blocks that one entry of a node of {@code level} covers. */
    static long entrySpan(int level) {
        return 1L << (level * Frame.ENTRY_BITS);
    }

    /** {@link PagePointer} units that the packed page takes at most. */
    int mostUnits() {
        return PagePointer.unitsFor(PackedPageDescriptor.sparseBytes(entries, entries));
    }

    boolean isOnDisk() {
        return pointer != 0;
    }
}
