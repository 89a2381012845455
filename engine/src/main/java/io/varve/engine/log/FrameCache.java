package io.varve.engine.log;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Memory for reads of packed blocks, within fixed bounds: lookups of moved segments, dropped oldest first, and unpacked
 * frames, each of which has one place that the next one to come there takes. Any thread; no locks.
 */
final class FrameCache {
    private static final int FRAMES = 128;
    private static final long LOOKUP_BYTES = 16L << 20;

    private record Unpacked(PackedBlocks segment, int frame, ByteBuffer bytes) {}

    private record Kept(MovedSegment segment, int bytes) {}

    private final AtomicReferenceArray<@Nullable Unpacked> frames = new AtomicReferenceArray<>(FRAMES);
    private final ConcurrentLinkedQueue<Kept> lookups = new ConcurrentLinkedQueue<>();
    private final AtomicLong lookupBytes = new AtomicLong();

    @Nullable
    ByteBuffer frame(PackedBlocks segment, int frame) {
        Unpacked found = frames.get(slot(segment, frame));
        return found != null && found.segment() == segment && found.frame() == frame ? found.bytes() : null;
    }

    void keepFrame(PackedBlocks segment, int frame, ByteBuffer bytes) {
        frames.set(slot(segment, frame), new Unpacked(segment, frame, bytes));
    }

    private static int slot(PackedBlocks segment, int frame) {
        return Math.floorMod(31 * System.identityHashCode(segment) + frame, FRAMES);
    }

    /** A segment has its lookup in memory: others lose theirs if that is too much. */
    void keepsLookup(MovedSegment segment, int bytes) {
        lookups.add(new Kept(segment, bytes));
        long total = lookupBytes.addAndGet(bytes);
        while (total > LOOKUP_BYTES) {
            Kept oldest = lookups.poll();
            if (oldest == null) {
                return;
            }
            oldest.segment().dropLookup();
            total = lookupBytes.addAndGet(-oldest.bytes());
        }
    }
}
