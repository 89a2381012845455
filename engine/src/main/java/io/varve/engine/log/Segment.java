package io.varve.engine.log;

import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A stretch of a volume's log: a logical id, and the file that holds it now. Compaction gives a segment another place,
 * and so another one of these; addresses stay.
 *
 * @param id never reused
 * @param volume the number of the volume that wrote it
 * @param fileNumber which file of the directory {@code segments} it is in
 * @param capacityBytes its size in the log
 * @param file the file
 * @param moved how its blocks are found in {@code file} if that is a container
 */
public record Segment(
        long id,
        long volume,
        long fileNumber,
        long capacityBytes,
        DiskFile file,
        @Nullable MovedSegment moved) {

    Segment(long id, long volume, long fileNumber, long capacityBytes, DiskFile file) {
        this(id, volume, fileNumber, capacityBytes, file, null);
    }

    /**
     * Reads neighbouring blocks, the first of which was written at byte {@code offset}, if that takes no waiting. Any
     * thread; hot path.
     *
     * @return the bytes read, possibly short, or {@link DiskFile#WOULD_BLOCK}
     */
    public int tryRead(long offset, ByteBuffer into) {
        MovedSegment from = moved;
        return from == null ? file.tryRead(offset, into) : from.tryRead(offset, into);
    }

    /** Reads as {@link #tryRead} does, by the disk's threads; then calls back on {@code executor}. */
    public void readAsync(long offset, ByteBuffer into, Executor executor, DiskFile.Callback callback) {
        MovedSegment from = moved;
        if (from == null) {
            file.readAsync(offset, into, executor, callback);
        } else {
            from.readAsync(offset, into, executor, callback);
        }
    }

    /** Reads as {@link #tryRead} does, waiting for storage. */
    public void read(long offset, ByteBuffer into) {
        MovedSegment from = moved;
        if (from == null) {
            file.read(offset, into);
        } else {
            from.read(offset, into);
        }
    }

    /** Which blocks it holds; those of a segment still in the log are found by its records. Waits for storage. */
    public SegmentContents contents() {
        MovedSegment from = moved;
        return from == null ? SegmentScan.contents(this) : from.contents();
    }
}
