package io.varve.engine.log;

import io.varve.engine.MemoryBudget;
import io.varve.engine.MemoryUse;
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
    private record Unpacked(PackedBlocks segment, int frame, ByteBuffer bytes) {}

    private record Kept(MovedSegment segment, int bytes) {}

    private final AtomicReferenceArray<@Nullable Unpacked> frames;
    private final long maxLookupBytes;
    private final ConcurrentLinkedQueue<Kept> lookups = new ConcurrentLinkedQueue<>();
    private final AtomicLong lookupBytes = new AtomicLong();

    FrameCache(MemoryBudget memory) {
        frames = new AtomicReferenceArray<>((int) (memory.bytes(MemoryUse.UNPACKED_FRAMES) / FrameCodec.MAX_BYTES));
        maxLookupBytes = memory.bytes(MemoryUse.CONTAINER_INDEXES);
    }

    long lookupBytes() {
        return lookupBytes.get();
    }

    long unpackedBytes() {
        long bytes = 0;
        for (int i = 0; i < frames.length(); i++) {
            Unpacked kept = frames.get(i);
            bytes += kept == null ? 0 : kept.bytes().capacity();
        }
        return bytes;
    }

    @Nullable
    ByteBuffer frame(PackedBlocks segment, int frame) {
        Unpacked found = frames.get(slot(segment, frame));
        return found != null && found.segment() == segment && found.frame() == frame ? found.bytes() : null;
    }

    void keepFrame(PackedBlocks segment, int frame, ByteBuffer bytes) {
        frames.set(slot(segment, frame), new Unpacked(segment, frame, bytes));
    }

    private int slot(PackedBlocks segment, int frame) {
        return Math.floorMod(31 * System.identityHashCode(segment) + frame, frames.length());
    }

    /** A segment has its lookup in memory: others lose theirs if that is too much. */
    void keepsLookup(MovedSegment segment, int bytes) {
        lookups.add(new Kept(segment, bytes));
        long total = lookupBytes.addAndGet(bytes);
        while (total > maxLookupBytes) {
            Kept oldest = lookups.poll();
            if (oldest == null) {
                return;
            }
            oldest.segment().dropLookup();
            total = lookupBytes.addAndGet(-oldest.bytes());
        }
    }
}
