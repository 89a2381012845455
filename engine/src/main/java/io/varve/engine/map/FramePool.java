package io.varve.engine.map;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import net.openhft.chronicle.bytes.BytesStore;

/**
 * Native memory for resident map pages, in frames of {@link Frame#BYTES}, under one budget for the whole store. Maps
 * keep within the budget by evicting clean pages when {@link #isTight}; path copies may exceed it for the length of a
 * batch rather than fail, and dirty pages by a quarter ({@link #isCrowded}). Any thread.
 */
public final class FramePool implements AutoCloseable {
    private static final int SLAB_FRAMES = 128;

    private final long budgetFrames;
    private final List<BytesStore<?, ByteBuffer>> slabs = new ArrayList<>();
    private long[] free = new long[SLAB_FRAMES];
    private int freeCount;
    private volatile long used;
    private final AtomicLong dirty = new AtomicLong();
    private final AtomicLong fresh = new AtomicLong();
    private final ConcurrentLinkedQueue<Runnable> waiting = new ConcurrentLinkedQueue<>();

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

    /** Counts pages of a map that are not on disk, and those of them that no checkpoint is writing yet. */
    void addDirty(long pages, long freshPages) {
        dirty.addAndGet(pages);
        fresh.addAndGet(freshPages);
    }

    /** Dirty pages of all maps that the next checkpoint will write, those that one is writing now not counted. */
    public long freshFrames() {
        return fresh.get();
    }

    /** True when so much more than the budget is used that maps with dirty pages have to wait for a checkpoint. */
    public boolean isCrowded() {
        return used > budgetFrames + budgetFrames / 4 && dirty.get() > budgetFrames / 8;
    }

    /** Runs {@code task} when the next checkpoint is over, on its thread; to be asked for before the checkpoint is. */
    public void afterCheckpoint(Runnable task) {
        waiting.add(task);
    }

    /** A checkpoint is durable, or could not be written. */
    public void checkpointOver() {
        for (int left = waiting.size(); left > 0; left--) {
            Runnable task = waiting.poll();
            if (task != null) {
                task.run();
            }
        }
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
