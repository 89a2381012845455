package io.varve.engine;

/**
 * What a server's memory outside of the heap goes to, and in how many 64ths; the last two are not part of the sum.
 * Every consumer whose demand grows with what clients do, or with what there is, is here.
 */
public enum MemoryUse {
    /**
     * Pages of block maps. Those that are not needed are evicted; with too many unwritten ones volumes are congested.
     */
    MAP_PAGES("map-pages", 16),
    /**
     * Payloads and replies of NBD, with what the buffer pool keeps around them. Half of it is the bound past which
     * sockets are not read.
     */
    NBD_BUFFERS("nbd-buffers", 26),
    /** Buffers of volumes and snapshots that are open: 80 KiB each; with no room for one more an opening is refused. */
    OPEN_VOLUMES("open-volumes", 10),
    /** Blocks being completed for requests that cover them in part; past the bound volumes are congested. */
    PARTIAL_BLOCKS("partial-blocks", 2),
    /** Indexes of compacted segments; the oldest goes first. */
    CONTAINER_INDEXES("container-indexes", 2),
    /** Frames compressed and not written yet; past the bound they are written as they are. */
    COMPRESSED_FRAMES("compressed-frames", 2),
    /** Fixed buffers of checkpoints, recovery, compaction, scrub and the threads. */
    BACKGROUND("background", 6),
    /** On the heap: frames unpacked for reads, each of which has one place that another takes over. */
    UNPACKED_FRAMES("unpacked-frames", 1),
    /** The kernel's: log bytes that wait for write-back; past the bound volumes are congested. */
    DIRTY_LOG("dirty-log", 16);

    private final String label;
    private final int parts;

    MemoryUse(String label, int parts) {
        this.label = label;
        this.parts = parts;
    }

    /** Its name in metrics. */
    public String label() {
        return label;
    }

    int parts() {
        return parts;
    }

    /** True if it is part of the one figure. */
    public boolean isOffHeap() {
        return this != UNPACKED_FRAMES && this != DIRTY_LOG;
    }
}
