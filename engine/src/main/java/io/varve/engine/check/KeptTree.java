package io.varve.engine.check;

import io.varve.engine.reclaim.PageRef;

/**
 * A tree of a block map that somebody keeps: a volume's own or a snapshot's.
 *
 * @param name whose it is
 * @param isSnapshot true for a snapshot's, which nothing changes any more
 * @param root its root
 * @param birth pages born up to this generation that later trees have are shared with it
 * @param newestBirth the newest generation that its pages can be born in: of a deleted snapshot that clones need, parts
 *     are taken out later
 * @param floorAddress all blocks that it reads are below
 * @param heldFrom the first block for which it is still kept: what lies before has been given back already
 * @param sizeBlocks blocks of the volume or snapshot
 * @param usedBlocks how many blocks with data it reads, by its row, or {@link #UNKNOWN}
 */
public record KeptTree(
        String name,
        boolean isSnapshot,
        PageRef root,
        long birth,
        long newestBirth,
        long floorAddress,
        long heldFrom,
        long sizeBlocks,
        long usedBlocks) {
    /** Used blocks that no row tells. */
    public static final long UNKNOWN = -1;
}
