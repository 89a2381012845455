package io.varve.engine.map;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.openhft.chronicle.bytes.BytesStore;

/**
 * Native memory for resident map pages, in frames of {@link Frame#BYTES}, under one budget for the whole store. Maps
 * keep within the budget by evicting clean pages when {@link #isTight}; path copies may exceed it for the length of a
 * batch rather than fail. Any thread.
 */
public final class FramePool implements AutoCloseable {
    private static final int SLAB_FRAMES = 128;

    private final long budgetFrames;
    private final List<BytesStore<?, ByteBuffer>> slabs = new ArrayList<>();
    private long[] free = new long[SLAB_FRAMES];
    private int freeCount;
    private volatile long used;

    public FramePool(long budgetBytes) {
        budgetFrames = Math.max(64, budgetBytes / Frame.BYTES);
    }

    /** A frame with arbitrary content. */
    public synchronized long allocate() {
        if (freeCount == 0) {
            addSlab();
        }
        used++;
        return free[--freeCount];
    }

    private void addSlab() {
        BytesStore<?, ByteBuffer> slab = BytesStore.wrap(ByteBuffer.allocateDirect(SLAB_FRAMES * Frame.BYTES));
        slabs.add(slab);
        long address = slab.addressForRead(0);
        if (free.length < slabs.size() * SLAB_FRAMES) {
            free = Arrays.copyOf(free, Math.max(free.length * 2, slabs.size() * SLAB_FRAMES));
        }
        for (int i = 0; i < SLAB_FRAMES; i++) {
            free[freeCount++] = address + (long) i * Frame.BYTES;
        }
    }

    /** Gives a frame back. */
    public synchronized void release(long frame) {
        free[freeCount++] = frame;
        used--;
    }

    /** Frames handed out now. */
    public long usedFrames() {
        return used;
    }

    /** True when maps should evict pages. */
    public boolean isTight() {
        return used >= budgetFrames;
    }

    /** Frames within the budget. */
    public long budgetFrames() {
        return budgetFrames;
    }

    @Override
    public synchronized void close() {
        for (BytesStore<?, ByteBuffer> slab : slabs) {
            slab.releaseLast();
        }
        slabs.clear();
        freeCount = 0;
    }
}
