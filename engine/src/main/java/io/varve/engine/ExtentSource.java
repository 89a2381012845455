package io.varve.engine;

/**
 * Answers questions about the ranges of one open volume from its block map, without reading data. Used on the volume's
 * loop, which it never blocks.
 */
public interface ExtentSource {
    /**
     * Fills {@code into} with the extents from {@code offset} on: at least one, at most {@code maxExtents}, together at
     * most {@code length} bytes. They may cover less where much of the map would have to be read; asking again behind
     * them goes on. Every request completed before the call is told of. Completes with EINVAL beyond the end and for a
     * length of 0, with EIO if a page of the map is damaged; {@code into} belongs to the engine until then.
     */
    void query(long offset, long length, int maxExtents, Extents into, Completion completion);

    /** Gives this source back, after its last query was completed and before its volume is released. Any thread. */
    void release();
}
