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
 * @param framed true if its records are frames, compressed where that pays ({@link SegmentDescriptor})
 * @param packed how its blocks are read if they are not simply at their slots
 */
public record Segment(
        long id,
        long volume,
        long fileNumber,
        long capacityBytes,
        DiskFile file,
        boolean framed,
        @Nullable PackedBlocks packed) {

    /** A segment whose records are in {@code file}. */
    static Segment ofRecords(
            long id,
            long volume,
            long fileNumber,
            long capacityBytes,
            DiskFile file,
            boolean framed,
            FrameCache cache) {
        PackedBlocks frames = framed ? new FramedSegment(id, file, cache) : null;
        return new Segment(id, volume, fileNumber, capacityBytes, file, framed, frames);
    }

    Segment withCapacity(long bytes) {
        return new Segment(id, volume, fileNumber, bytes, file, framed, packed);
    }

    /** How its blocks are found in {@link #file} if that is a container. */
    public @Nullable MovedSegment moved() {
        return packed instanceof MovedSegment container ? container : null;
    }

    /** What addresses of neighbouring blocks of one record differ by. */
    public int blockSlots() {
        return framed ? 1 : BlockAddress.BLOCK_SLOTS;
    }

    /** The address of the first block of the DATA record at {@code recordOffset}. */
    long addressAt(long recordOffset) {
        return BlockAddress.of(id, framed ? recordOffset : recordOffset + RecordDescriptor.HEADER_BYTES);
    }

    /** Where the next record begins if the one before ends at {@code offset}. */
    long nextRecord(long offset) {
        return framed ? FramedSegment.recordEnd(offset) : offset;
    }

    /**
     * Reads neighbouring blocks, the first of which has its slot at byte {@code offset}, if that takes no waiting. Any
     * thread; hot path.
     *
     * @return the bytes read, possibly short, or {@link DiskFile#WOULD_BLOCK}
     */
    public int tryRead(long offset, ByteBuffer into) {
        PackedBlocks from = packed;
        return from == null ? file.tryRead(offset, into) : from.tryRead(offset, into);
    }

    /** Reads as {@link #tryRead} does, by the disk's threads; then calls back on {@code executor}. */
    public void readAsync(long offset, ByteBuffer into, Executor executor, DiskFile.Callback callback) {
        PackedBlocks from = packed;
        if (from == null) {
            file.readAsync(offset, into, executor, callback);
        } else {
            from.readAsync(offset, into, false, executor, callback);
        }
    }

    /** Reads as {@link #tryRead} does, waiting for storage. */
    public void read(long offset, ByteBuffer into) {
        PackedBlocks from = packed;
        if (from == null) {
            file.read(offset, into);
        } else {
            from.read(offset, into, false);
        }
    }

    /** Reads as {@link #readAsync} does, and nothing that is kept of an earlier read: that was not right. */
    public void readAgainAsync(long offset, ByteBuffer into, Executor executor, DiskFile.Callback callback) {
        PackedBlocks from = packed;
        if (from == null) {
            file.readAsync(offset, into, executor, callback);
        } else {
            from.readAsync(offset, into, true, executor, callback);
        }
    }

    /** Reads as {@link #read} does, and nothing that is kept of an earlier read. */
    public void readAgain(long offset, ByteBuffer into) {
        PackedBlocks from = packed;
        if (from == null) {
            file.read(offset, into);
        } else {
            from.read(offset, into, true);
        }
    }

    /**
     * Reads as {@link #read} does, but what the device holds and not the page cache. Not for segments in containers.
     *
     * @param aligned at a multiple of 4096 in memory, with a page more than {@code count} blocks; its contents mean nothing
     * @return where in {@code aligned} the blocks stand
     */
    public int readDevice(long offset, int count, ByteBuffer aligned) {
        if (packed instanceof FramedSegment frames) {
            frames.readDevice(offset, aligned.clear().limit(count * FrameCodec.BLOCK_BYTES));
            return 0;
        }
        int within = (int) (offset % FrameCodec.BLOCK_BYTES);
        int pages = within == 0 ? count : count + 1;
        file.readDevice(offset - within, aligned.clear().limit(pages * FrameCodec.BLOCK_BYTES));
        return within;
    }

    /** Which blocks it holds; those of a segment still in the log are found by its records. Waits for storage. */
    public SegmentContents contents() {
        return packed instanceof MovedSegment container ? container.contents() : SegmentScan.contents(this);
    }
}
