package io.varve.engine.log;

import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of a framed segment, read out of the records that they were written in ({@link SegmentDescriptor} has the
 * drawing). A frame that was unpacked is kept for a while in the {@link FrameCache}, so that its other blocks cost a copy.
 * Any thread.
 */
final class FramedSegment extends PackedBlocks {
    /** What every record of a framed segment begins at a multiple of. */
    static final int RECORD_UNIT = 512;

    private static final int SLOTS = RECORD_UNIT / BlockAddress.SLOT_BYTES;
    private static final int BLOCK_BYTES = FrameCodec.BLOCK_BYTES;
    private static final int PAGE_BYTES = 4096;
    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private final FrameCache cache;

    /** How many blocks were written to it, and up to where; 0 while it is written. Set before it is sealed. */
    private volatile int blocksWritten;

    private volatile int bytesWritten;

    /** From where, and with how much patience. */
    private enum From {
        PAGE_CACHE,
        STORAGE,
        STORAGE_AGAIN,
        DEVICE
    }

    /** Memory of one thread. */
    private static final class Scratch {
        final ByteBuffer header = ContainerDescriptor.direct(RecordDescriptor.HEADER_BYTES);
        final ByteBuffer seed = ContainerDescriptor.direct(Long.BYTES);
        final CRC32C crc = new CRC32C();

        @Nullable
        ByteBuffer pages;

        /** Memory at a multiple of a page's size that holds a frame wherever it begins. */
        ByteBuffer pages(int bytes) {
            ByteBuffer have = pages;
            if (have == null) {
                ByteBuffer memory = ByteBuffer.allocateDirect(FrameCodec.MAX_PACKED_BYTES + 3 * PAGE_BYTES);
                int skip = (int) (-Jvm.address(memory) & (PAGE_BYTES - 1));
                have = memory.position(skip).slice().order(ByteOrder.LITTLE_ENDIAN);
                pages = have;
            }
            return have.clear().limit(bytes);
        }
    }

    FramedSegment(long segmentId, DiskFile file, FrameCache cache) {
        super(segmentId, file);
        this.cache = cache;
    }

    /** Where the next record begins if one ends at {@code offset}. */
    static long recordEnd(long offset) {
        return (offset + RECORD_UNIT - 1) & -RECORD_UNIT;
    }

    /** The log has left the segment, with so many blocks in so many bytes of it. */
    void left(int blocks, long bytes) {
        blocksWritten = blocks;
        bytesWritten = (int) bytes;
    }

    int blocksWritten() {
        return blocksWritten;
    }

    int bytesWritten() {
        return bytesWritten;
    }

    @Override
    int tryRead(long offset, ByteBuffer into) {
        return read(offset, into, From.PAGE_CACHE);
    }

    @Override
    void read(long offset, ByteBuffer into, boolean again) {
        read(offset, into, again ? From.STORAGE_AGAIN : From.STORAGE);
    }

    /** Reads as {@link #read} does, but what the device holds and nothing that was kept in memory. */
    void readDevice(long offset, ByteBuffer into) {
        read(offset, into, From.DEVICE);
    }

    private int read(long offset, ByteBuffer into, From from) {
        int position = into.position();
        int limit = into.limit();
        int count = (limit - position) / BLOCK_BYTES;
        long slot = offset / BlockAddress.SLOT_BYTES;
        try {
            for (int done = 0; done < count; ) {
                long record = (slot + done) / SLOTS;
                int block = (int) ((slot + done) % SLOTS);
                into.limit(limit).position(position + done * BLOCK_BYTES);
                int read = readFrame(record, block, into, from);
                if (read == 0) {
                    return DiskFile.WOULD_BLOCK;
                }
                done += read;
            }
            return count * BLOCK_BYTES;
        } finally {
            into.limit(limit).position(position);
        }
    }

    /** Reads blocks from {@code block} on out of one frame, as many as there are and {@code into} takes; answers how many. */
    private int readFrame(long record, int block, ByteBuffer into, From from) {
        boolean mayBeKept = from == From.PAGE_CACHE || from == From.STORAGE;
        ByteBuffer kept = !mayBeKept ? null : cache.frame(this, (int) record);
        if (kept != null) {
            return copy(kept, kept.capacity() / BLOCK_BYTES, block, into);
        }
        Scratch scratch = SCRATCH.get();
        ByteBuffer header = scratch.header.clear();
        if (!bringIn(record * RECORD_UNIT, header, from)) {
            return 0;
        }
        long blocks = RecordDescriptor.blockCount(header, 0);
        boolean known = RecordDescriptor.isValid(header, 0, segmentId, scratch.crc, scratch.seed)
                && RecordDescriptor.type(header, 0) == RecordDescriptor.DATA
                && blocks <= FrameCodec.MAX_BLOCKS
                && block < blocks;
        if (!known) {
            throw damaged("no frame with a block " + block + " begins at offset " + record * RECORD_UNIT);
        }
        return RecordDescriptor.codec(header, 0) == RecordDescriptor.CODEC_NONE
                ? readPlain(record, block, (int) blocks, into, from)
                : readPacked(record, block, (int) blocks, scratch, into, from);
    }

    private int readPlain(long record, int block, int blocks, ByteBuffer into, From from) {
        int run = Math.min(blocks - block, into.remaining() / BLOCK_BYTES);
        into.limit(into.position() + run * BLOCK_BYTES);
        long at = record * RECORD_UNIT + RecordDescriptor.HEADER_BYTES + (long) block * BLOCK_BYTES;
        return bringIn(at, into, from) ? run : 0;
    }

    private int readPacked(long record, int block, int blocks, Scratch scratch, ByteBuffer into, From from) {
        int length = RecordDescriptor.length(scratch.header, 0);
        if (length < 0 || length > FrameCodec.MAX_BYTES) {
            throw damaged("the frame at offset " + record * RECORD_UNIT + " has " + length + " bytes");
        }
        ByteBuffer packed = FrameCodec.packedBytes(length);
        if (!bringIn(record * RECORD_UNIT + RecordDescriptor.HEADER_BYTES, packed, from)) {
            return 0;
        }
        ByteBuffer unpacked = ByteBuffer.allocate(blocks * BLOCK_BYTES);
        if (!FrameCodec.unpack(packed, 0, length, unpacked, unpacked.capacity())) {
            throw damaged("the frame at offset " + record * RECORD_UNIT + " cannot be unpacked");
        }
        if (from != From.DEVICE) {
            cache.keepFrame(this, (int) record, unpacked);
        }
        return copy(unpacked, blocks, block, into);
    }

    private int copy(ByteBuffer frame, int blocks, int block, ByteBuffer into) {
        int run = Math.min(blocks - block, into.remaining() / BLOCK_BYTES);
        if (run <= 0) {
            throw damaged("there is no block " + block + " in a frame of " + blocks);
        }
        into.put(into.position(), frame, block * BLOCK_BYTES, run * BLOCK_BYTES);
        return run;
    }

    /** Fills {@code into} from byte {@code position} on; false if that would take waiting. */
    private boolean bringIn(long position, ByteBuffer into, From from) {
        switch (from) {
            case PAGE_CACHE -> {
                return file.tryRead(position, into) == into.remaining();
            }
            case STORAGE, STORAGE_AGAIN -> file.read(position, into);
            case DEVICE -> {
                int within = (int) (position % PAGE_BYTES);
                long end = SegmentFiles.wholePages(position + into.remaining());
                ByteBuffer pages = SCRATCH.get().pages((int) (end - position + within));
                file.readDevice(position - within, pages);
                into.put(into.position(), pages, within, into.remaining());
            }
        }
        return true;
    }
}
