package io.varve.engine.map;

import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.meta.PagePointer;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Reads packed map pages and checks them. Any thread; {@link #read} waits for storage, {@link #readAsync} does not. */
public final class PageFile {
    private final DiskFile file;
    private final ConcurrentLinkedQueue<Reading> idle = new ConcurrentLinkedQueue<>();
    private final LongAdder pagesRead = new LongAdder();

    /** What one read needs. */
    private static final class Reading {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(PagePointer.MAX_UNITS * PagePointer.UNIT_BYTES);
        final PageCodec codec = new PageCodec();
    }

    public PageFile(DiskFile file) {
        this.file = file;
    }

    /** Called with the generation that the page was born in, or with what went wrong. */
    @FunctionalInterface
    interface Callback {
        void completed(long birth, @Nullable RuntimeException failure);
    }

    /**
     * Reads a page and unpacks it into {@code frame}.
     *
     * @return the generation that the page was born in
     * @throws DamagedPageException if the page is not what its parent says it is
     */
    public long read(long pointer, int check, int level, long firstBlock, long frame) {
        Reading reading = take(pointer);
        try {
            file.read(PagePointer.positionBytes(pointer), reading.buffer);
            return decode(reading, pointer, check, level, firstBlock, frame);
        } finally {
            idle.add(reading);
        }
    }

    /** Like {@link #read}; calls back before it returns if the page cache has the page, else later on {@code executor}. */
    void readAsync(ResidentPages.Want page, long frame, Executor executor, Callback callback) {
        Reading reading = take(page.pointer());
        long position = PagePointer.positionBytes(page.pointer());
        if (file.tryRead(position, reading.buffer) == reading.buffer.remaining()) {
            finish(reading, page, frame, callback, null);
            return;
        }
        file.readAsync(position, reading.buffer, executor, failure -> finish(reading, page, frame, callback, failure));
    }

    private void finish(
            Reading reading,
            ResidentPages.Want page,
            long frame,
            Callback callback,
            @Nullable DiskException readFailure) {
        RuntimeException failure = readFailure;
        long birth = 0;
        if (failure == null) {
            try {
                birth = decode(reading, page.pointer(), page.check(), page.level(), page.firstBlock(), frame);
            } catch (DamagedPageException e) {
                failure = e;
            }
        }
        idle.add(reading);
        callback.completed(birth, failure);
    }

    /** Pages read so far, from storage or from the page cache, for volumes, checkpoints, recovery and reclaim. */
    public long pagesRead() {
        return pagesRead.sum();
    }

    private Reading take(long pointer) {
        Reading reading = idle.poll();
        if (reading == null) {
            reading = new Reading();
        }
        reading.buffer.clear().limit(PagePointer.lengthBytes(pointer));
        return reading;
    }

    private long decode(Reading reading, long pointer, int check, int level, long firstBlock, long frame) {
        pagesRead.increment();
        int length = PagePointer.lengthBytes(pointer);
        if (reading.codec.check(reading.buffer, 0, length) != check) {
            throw new DamagedPageException("map page of level " + level + " for block " + firstBlock + " at offset "
                    + PagePointer.positionBytes(pointer) + " does not match its check value");
        }
        return reading.codec.unpack(reading.buffer, 0, length, level, firstBlock, frame);
    }
}
