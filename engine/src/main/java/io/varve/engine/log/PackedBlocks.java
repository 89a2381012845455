package io.varve.engine.log;

import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/**
 * How the blocks of a segment are read where they do not simply stand one after the other in its file: by way of a
 * container's index, or out of frames. Any thread.
 */
abstract sealed class PackedBlocks permits MovedSegment, FramedSegment {
    /** Takes a few bytes that nobody looks at. */
    private static final ByteBuffer SINK = ByteBuffer.allocateDirect(Long.BYTES);

    final long segmentId;
    final DiskFile file;

    PackedBlocks(long segmentId, DiskFile file) {
        this.segmentId = segmentId;
        this.file = file;
    }

    /**
     * Reads neighbouring blocks, the first of which has its slot at byte {@code offset} of the segment, if that takes no
     * waiting.
     *
     * @return the bytes read, or {@link DiskFile#WOULD_BLOCK}
     */
    abstract int tryRead(long offset, ByteBuffer into);

    /**
     * Reads as {@link #tryRead} does, waiting for storage.
     *
     * @param again true to read frames from storage that are kept unpacked: what was read before was not right
     */
    abstract void read(long offset, ByteBuffer into, boolean again);

    /** Reads as {@link #read} does, on a thread of the disk; then calls back on {@code executor}. */
    final void readAsync(long offset, ByteBuffer into, boolean again, Executor executor, DiskFile.Callback callback) {
        // The few bytes of the header bring us to a thread that may wait; the rest is read there.
        file.readAsync(0, SINK.duplicate(), Runnable::run, failure -> {
            DiskException outcome = failure;
            if (outcome == null) {
                try {
                    read(offset, into, again);
                } catch (DiskException e) {
                    outcome = e;
                }
            }
            DiskException told = outcome;
            executor.execute(() -> callback.completed(told));
        });
    }

    final DiskException damaged(String what) {
        return new DiskException(DiskException.Kind.IO, "segment " + segmentId + " in " + file.name() + ": " + what);
    }
}
