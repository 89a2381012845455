package io.varve.engine.map;

/**
 * Counts the pages of one map that are not on disk, for whoever has to make room for them there or in memory. Changed by the
 * map's thread only.
 */
final class DirtyPages {
    private final FramePool pool;
    private volatile long pages;
    private volatile long units;
    /** Those of the pages that no checkpoint is writing yet. */
    private long fresh;

    private volatile boolean givenUp;

    DirtyPages(FramePool pool) {
        this.pool = pool;
    }

    /** A page has come that is not on disk. */
    void made(Node node) {
        add(node, 1, 1);
    }

    /** A page is needed no more that no checkpoint is writing yet. */
    void dropped(Node node) {
        add(node, -1, -1);
    }

    /** A page is on disk now. */
    void written(Node node) {
        add(node, -1, 0);
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // written by the map's thread only
    private void add(Node node, int count, int freshCount) {
        pages += count;
        units += (long) count * node.mostUnits();
        fresh += freshCount;
        tellPool(count, freshCount);
    }

    /** Counts entries of a page that may be changed which became or ceased to be something else than holes. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // written by the map's thread only
    void addEntries(Node node, int entries) {
        if (entries == 0 || node.level > BlockMap.ROOT_LEVEL) {
            return;
        }
        int before = node.mostUnits();
        node.entries += entries;
        int grown = node.mostUnits() - before;
        if (grown != 0) {
            units += grown;
        }
    }

    /** A checkpoint writes all that there are now. */
    void checkpointBegins() {
        tellPool(0, -fresh);
        fresh = 0;
    }

    /** No checkpoint writes them any more: others have no use in waiting for one. */
    void giveUp() {
        tellPool(-pages, -fresh);
        givenUp = true;
    }

    private void tellPool(long count, long freshCount) {
        if (!givenUp) {
            pool.addDirty(count, freshCount);
        }
    }

    /** Those that a checkpoint will write. Any thread. */
    long pages() {
        return givenUp ? 0 : pages;
    }

    /** {@link io.varve.engine.meta.PagePointer} units that the pages take on disk at most. Any thread. */
    long units() {
        return units;
    }
}
