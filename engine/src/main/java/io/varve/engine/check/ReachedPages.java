package io.varve.engine.check;

import io.varve.engine.map.BlockMap;
import io.varve.engine.meta.PagePointer;
import io.varve.engine.reclaim.PageRef;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Which map pages were met, and how many blocks with data each of their subtrees has: an int for each 256 bytes of
 * those parts of the map file that are in use, a sixty-fourth of it.
 */
final class ReachedPages {
    /** Met, and how many blocks it has is not known. */
    static final long UNKNOWN = -1;
    /** Not met yet. */
    static final long NOT_MET = -2;

    private static final int CHUNK_UNITS = 1 << 12;
    private static final int UNKNOWN_COUNT = -1;
    private static final int[] NONE = {};

    private int[][] chunks = emptyChunks(16);
    /** Whole volumes may have more blocks than an int counts. */
    private final Map<Long, Long> roots = new HashMap<>();

    private long pages;

    private static int[][] emptyChunks(int count) {
        int[][] empty = new int[count][];
        Arrays.fill(empty, NONE);
        return empty;
    }

    /** How many pages were met. */
    long pages() {
        return pages;
    }

    /** Notes a page, or its count anew. */
    void put(PageRef page, long blocks) {
        long unit = PagePointer.unitOffset(page.pointer());
        int chunk = Math.toIntExact(unit / CHUNK_UNITS);
        if (chunk >= chunks.length) {
            int[][] more = emptyChunks(Math.max(chunk + 1, 2 * chunks.length));
            System.arraycopy(chunks, 0, more, 0, chunks.length);
            chunks = more;
        }
        int[] counts = chunks[chunk];
        if (counts.length == 0) {
            counts = new int[CHUNK_UNITS];
            chunks[chunk] = counts;
        }
        int at = (int) (unit % CHUNK_UNITS);
        pages += counts[at] == 0 ? 1 : 0;
        boolean isRoot = page.level() == BlockMap.ROOT_LEVEL;
        counts[at] = blocks == UNKNOWN || isRoot ? UNKNOWN_COUNT : (int) blocks + 1;
        if (isRoot && blocks != UNKNOWN) {
            roots.put(page.pointer(), blocks);
        }
    }

    /** The blocks under a page, {@link #UNKNOWN} or {@link #NOT_MET}. */
    long blocks(PageRef page) {
        int count = count(PagePointer.unitOffset(page.pointer()));
        if (count == UNKNOWN_COUNT) {
            return roots.getOrDefault(page.pointer(), UNKNOWN);
        }
        return count == 0 ? NOT_MET : count - 1L;
    }

    boolean isMet(long unitOffset) {
        return count(unitOffset) != 0;
    }

    private int count(long unit) {
        long chunk = unit / CHUNK_UNITS;
        int[] counts = chunk < chunks.length ? chunks[(int) chunk] : NONE;
        return counts.length == 0 ? 0 : counts[(int) (unit % CHUNK_UNITS)];
    }
}
