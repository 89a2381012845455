package io.varve.engine.map;

import io.varve.engine.log.BlockAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What changes to a map mean for the space of the store, noted by the volume's loop without touching anything shared,
 * and applied by the accountant at the next checkpoint: blocks that came to life or died by segment, pages that nothing
 * needs any more, and subtrees dropped whole.
 */
public final class MapChanges {
    /**
     * A subtree that a trim cut off without looking into it.
     *
     * @param pointer its topmost page
     * @param check that page's check
     * @param level that page's level
     * @param firstBlock the first block it covers
     * @param floorAddress blocks below it belong to a snapshot
     * @param floorBirth pages born up to it belong to a snapshot
     */
    public record Dropped(long pointer, int check, int level, long firstBlock, long floorAddress, long floorBirth) {}

    private long[] segments = new long[64];
    private int[] deltas = new int[64];
    private int segmentCount;
    private long[] freedPages = new long[64];
    private int freedPageCount;
    private long usedBlocks;
    private final List<Dropped> dropped = new ArrayList<>();

    /** Counts {@code blocks} blocks of a segment as live (or dead, if negative). */
    public void addLive(long segmentId, int blocks) {
        int mask = segments.length - 1;
        int slot = slotOf(segmentId, mask);
        if (segments[slot] == 0) {
            if (segmentCount >= segments.length / 2) {
                grow();
                addLive(segmentId, blocks);
                return;
            }
            segments[slot] = segmentId;
            segmentCount++;
        }
        deltas[slot] += blocks;
    }

    private int slotOf(long segmentId, int mask) {
        int slot = (int) ((segmentId * 0x9E3779B97F4A7C15L) >>> 40) & mask;
        while (segments[slot] != 0 && segments[slot] != segmentId) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldSegments = segments;
        int[] oldDeltas = deltas;
        segments = new long[oldSegments.length * 2];
        deltas = new int[oldSegments.length * 2];
        for (int i = 0; i < oldSegments.length; i++) {
            if (oldSegments[i] != 0) {
                int slot = slotOf(oldSegments[i], segments.length - 1);
                segments[slot] = oldSegments[i];
                deltas[slot] = oldDeltas[i];
            }
        }
    }

    /** A block died. */
    public void addDead(long address) {
        addLive(BlockAddress.segmentId(address), -1);
    }

    /** The volume reads {@code blocks} more blocks with data. */
    public void addUsed(long blocks) {
        usedBlocks += blocks;
    }

    void addFreedPage(long pointer) {
        if (freedPageCount == freedPages.length) {
            freedPages = Arrays.copyOf(freedPages, freedPageCount * 2);
        }
        freedPages[freedPageCount++] = pointer;
    }

    void addDropped(Dropped subtree) {
        dropped.add(subtree);
    }

    /** Called with each segment and the change of its live blocks. */
    @FunctionalInterface
    public interface SegmentVisitor {
        void visit(long segmentId, int liveBlocksDelta);
    }

    public void forEachSegment(SegmentVisitor visitor) {
        for (int i = 0; i < segments.length; i++) {
            if (segments[i] != 0 && deltas[i] != 0) {
                visitor.visit(segments[i], deltas[i]);
            }
        }
    }

    /** Pages that nothing needs any more. */
    public long[] freedPages() {
        return Arrays.copyOf(freedPages, freedPageCount);
    }

    public List<Dropped> dropped() {
        return dropped;
    }

    public long usedBlocks() {
        return usedBlocks;
    }
}
