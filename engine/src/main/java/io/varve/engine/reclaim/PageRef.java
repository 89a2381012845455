package io.varve.engine.reclaim;

import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Frame;
import io.varve.engine.map.MapRoot;

/**
 * A page of a tree on disk, or a state that a whole subtree has.
 *
 * @param pointer its place, or {@link Frame#HOLE} or {@link Frame#ZERO}
 * @param check its CRC32C
 * @param level its level; leaves are 0
 * @param firstBlock the first block it covers
 */
public record PageRef(long pointer, int check, int level, long firstBlock) {
    /** The root page of a tree that is on disk. */
    public static PageRef root(MapRoot root) {
        return new PageRef(root.writtenPointer(), root.writtenCheck(), BlockMap.ROOT_LEVEL, 0);
    }

    /** True if it is a page, and not a state of the whole range. */
    public boolean isPage() {
        return pointer > Frame.CHILD;
    }

    /** Blocks that one of its entries covers. */
    public long entrySpan() {
        return 1L << (level * Frame.ENTRY_BITS);
    }

    /** The first block behind those it covers. */
    public long endBlock() {
        return firstBlock + entrySpan() * Frame.ENTRIES;
    }

    /** The page or state under entry {@code index}, of which {@code frame} holds the unpacked form. */
    public PageRef child(long frame, int index) {
        return new PageRef(
                Frame.entry(frame, index), Frame.check(frame, index), level - 1, firstBlock + index * entrySpan());
    }
}
