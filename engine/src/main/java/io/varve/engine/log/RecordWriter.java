package io.varve.engine.log;

import io.varve.engine.VolumeCounters;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.IoVector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Makes a volume's records, each one chained to the one before, and writes them to the segment at hand, a batch of them
 * by one gathered write. Loop only; hot path: no allocation per record.
 *
 * <p>Writes always cover whole pages of the file: the part of the last page that holds earlier records is kept in
 * memory and written again in front of the batch, and the batch is padded with zeroes to the end of its last page. So
 * the kernel never has to read a page of a recycled file before changing a part of it, and what follows the newest
 * record is never a stale one. Writing earlier records again with the bytes that they already have harms nothing if
 * torn.
 */
final class RecordWriter {
    private static final int PAGE_BYTES = 4096;
    private static final int BLOCK_BYTES = 4096;
    private static final int MAX_BATCH_RECORDS = 256;
    private static final int CONTROL_BYTES =
            MAX_BATCH_RECORDS * (RecordDescriptor.HEADER_BYTES + SnapshotPayload.BYTES);
    private static final ThreadLocal<ByteBuffer> HEADER_PAGE =
            ThreadLocal.withInitial(() -> direct(SegmentDescriptor.HEADER_BYTES));

    private final long volume;
    private final VolumeCounters counters;
    private final FrameStaging staging;
    private final CRC32C crc = new CRC32C();
    private final CRC32C payloadCrc = new CRC32C();
    private final ByteBuffer seed = direct(Long.BYTES);
    private final ByteBuffer checkBytes = direct(Integer.BYTES);
    private final ByteBuffer control = direct(CONTROL_BYTES);
    private final long controlAddress = Jvm.address(control);
    private final ByteBuffer tail = direct(2 * PAGE_BYTES);
    private final long tailAddress = Jvm.address(tail);
    private final long zeroPageAddress = tailAddress + PAGE_BYTES;
    private final IoVector vector = new IoVector();

    private int epoch;
    private long nextSequence;
    private int previousCheck;
    private long durableSequence;
    private @Nullable Segment current;
    private long offset;

    private long batchStart;
    private int batchRecords;
    private int controlUsed;
    private int recordAt;
    private int payloadPiece;
    private long recordBytes;

    RecordWriter(long volume, VolumeCounters counters, FrameMemory memory) {
        this.volume = volume;
        this.counters = counters;
        this.staging = new FrameStaging(memory);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    // ---- where it writes ----

    /** Begins to write under a new epoch, in a fresh segment, behind {@code previous}. */
    void begin(int newEpoch, Segment first, LogPosition previous) {
        epoch = newEpoch;
        nextSequence = previous.sequence();
        previousCheck = previous.previousCheck();
        durableSequence = previous.sequence() - 1;
        start(first, previous.segmentId(), previous.offset());
    }

    /** Goes on in {@code target}, which the last record names, written by now. */
    void goOn(Segment target) {
        start(target, segment().id(), offset);
    }

    private void start(Segment segment, long previousSegment, long previousOffset) {
        ByteBuffer page = HEADER_PAGE.get();
        LogPosition start = new LogPosition(segment.id(), SegmentDescriptor.HEADER_BYTES, nextSequence, previousCheck);
        SegmentDescriptor.encode(
                page,
                new SegmentDescriptor.Header(
                        segment.id(),
                        volume,
                        epoch,
                        segment.framed(),
                        durableSequence,
                        start,
                        previousSegment,
                        previousOffset));
        vector.clear();
        vector.add(Jvm.address(page), SegmentDescriptor.HEADER_BYTES);
        segment.file().write(0, vector);
        vector.clear();
        current = segment;
        offset = SegmentDescriptor.HEADER_BYTES;
    }

    /** Writes nothing more until {@link #begin}. */
    void end() {
        current = null;
    }

    /** True between {@link #begin} and {@link #end}. */
    boolean isOpen() {
        return current != null;
    }

    /** The segment at hand. */
    Segment segment() {
        Segment segment = current;
        if (segment == null) {
            throw new IllegalStateException("the log is not open");
        }
        return segment;
    }

    /** Where the next record goes in it. */
    long offset() {
        return offset;
    }

    /** Where the next record goes in the log. Only between batches. */
    LogPosition position() {
        return new LogPosition(segment().id(), offset, nextSequence, previousCheck);
    }

    int epoch() {
        return epoch;
    }

    /** The sequence of the last record appended. */
    long lastSequence() {
        return nextSequence - 1;
    }

    long durableSequence() {
        return durableSequence;
    }

    /** Notes that everything up to {@code sequence} is on stable storage, for the records to come to tell. */
    void markDurable(long sequence) {
        durableSequence = Math.max(durableSequence, sequence);
    }

    // ---- records ----

    /** True when nothing waits for {@link #write}. */
    boolean isEmpty() {
        return batchRecords == 0;
    }

    /** True when so many records of so many pieces do not fit into the batch any more. */
    boolean isFull(int records, int pieces) {
        return batchRecords + records > MAX_BATCH_RECORDS || !vector.hasRoom(pieces);
    }

    /** Appends a record without payload. */
    void appendControl(byte type, byte flags, long firstBlock, long blockCount) {
        int at = beginRecord(type, flags, 0);
        finishControl(at, 0, firstBlock, blockCount);
    }

    void appendSnapshot(SnapshotPayload payload) {
        int at = beginRecord(RecordDescriptor.SNAPSHOT, (byte) 0, SnapshotPayload.BYTES);
        payload.encode(control, at + RecordDescriptor.HEADER_BYTES);
        finishControl(at, SnapshotPayload.BYTES, 0, 0);
    }

    void appendRoll(RollPayload payload) {
        int at = beginRecord(RecordDescriptor.ROLL, (byte) 0, RollPayload.BYTES);
        payload.encode(control, at + RecordDescriptor.HEADER_BYTES);
        finishControl(at, RollPayload.BYTES, 0, 0);
    }

    /**
     * Begins a DATA record; {@link #addBlocks} brings its blocks, {@link #endData} ends it.
     *
     * @return the address of its first block
     */
    long beginData(long firstBlock, int blockCount, byte flags) {
        recordAt = beginRecord(RecordDescriptor.DATA, flags, blockCount * BLOCK_BYTES);
        RecordDescriptor.encodeBlocks(control, recordAt, firstBlock, blockCount);
        vector.add(controlAddress + recordAt, RecordDescriptor.HEADER_BYTES);
        recordBytes = RecordDescriptor.HEADER_BYTES;
        payloadPiece = vector.count();
        payloadCrc.reset();
        return segment().addressAt(offset);
    }

    /**
     * Adds whole blocks from a direct buffer, which must stay as it is until the batch is written, and puts their
     * CRC32Cs into {@code checks}.
     */
    void addBlocks(ByteBuffer source, int position, int length, int[] checks, int checkAt) {
        int oldPosition = source.position();
        int oldLimit = source.limit();
        for (int i = 0; i < length / BLOCK_BYTES; i++) {
            int from = position + i * BLOCK_BYTES;
            source.limit(from + BLOCK_BYTES).position(from);
            crc.reset();
            crc.update(source);
            int check = (int) crc.getValue();
            checks[checkAt + i] = check;
            checkBytes.putInt(0, check).position(0).limit(Integer.BYTES);
            payloadCrc.update(checkBytes);
        }
        source.limit(oldLimit).position(oldPosition);
        vector.add(Jvm.address(source) + position, length);
        recordBytes += length;
    }

    /**
     * Ends a DATA record.
     *
     * @param framed make it a frame, compressed if that pays
     * @return its blocks
     */
    int endData(boolean framed) {
        int bytes = (int) recordBytes - RecordDescriptor.HEADER_BYTES;
        if (framed) {
            compress(bytes);
        }
        seal(recordAt, (int) payloadCrc.getValue());
        offset += recordBytes;
        if (framed) {
            padRecord();
        }
        return bytes / BLOCK_BYTES;
    }

    private void compress(int bytes) {
        int kept = staging.compress(vector, payloadPiece, bytes);
        if (kept < bytes) {
            RecordDescriptor.encodePayload(control, recordAt, RecordDescriptor.CODEC_LZ4, kept);
            recordBytes -= bytes - kept;
        }
    }

    /** Fills up to where the next record of a framed segment begins. */
    private void padRecord() {
        int gap = (int) (FramedSegment.recordEnd(offset) - offset);
        vector.add(zeroPageAddress, gap);
        offset += gap;
    }

    private int beginRecord(byte type, byte flags, int payloadBytes) {
        if (batchRecords == 0) {
            batchStart = offset;
            vector.clear();
            vector.add(tailAddress, (int) (offset % PAGE_BYTES));
            controlUsed = 0;
        }
        int at = controlUsed;
        RecordDescriptor.encode(control, at, type, flags, epoch, payloadBytes, nextSequence, durableSequence);
        controlUsed += RecordDescriptor.HEADER_BYTES;
        batchRecords++;
        nextSequence++;
        return at;
    }

    private void finishControl(int at, int payloadBytes, long firstBlock, long blockCount) {
        RecordDescriptor.encodeBlocks(control, at, firstBlock, blockCount);
        crc.reset();
        int payloadAt = at + RecordDescriptor.HEADER_BYTES;
        control.limit(payloadAt + payloadBytes).position(payloadAt);
        crc.update(control);
        control.clear();
        controlUsed += payloadBytes;
        seal(at, (int) crc.getValue());
        int bytes = RecordDescriptor.HEADER_BYTES + payloadBytes;
        vector.add(controlAddress + at, bytes);
        offset += bytes;
        if (segment().framed()) {
            padRecord();
        }
    }

    private void seal(int at, int payloadCheck) {
        RecordDescriptor.encodeChecks(control, at, previousCheck, payloadCheck);
        previousCheck = RecordDescriptor.seal(control, at, segment().id(), crc, seed);
    }

    // ---- the batch ----

    /**
     * Hands the batch, which is not empty, to the kernel: one gathered write.
     *
     * @return the bytes appended
     * @throws DiskException if the write failed: the log is then unusable
     */
    long write() {
        int pieces = vector.count();
        int partial = (int) (offset % PAGE_BYTES);
        if (partial != 0) {
            vector.add(zeroPageAddress, PAGE_BYTES - partial);
        }
        try {
            segment().file().write(batchStart - batchStart % PAGE_BYTES, vector);
            keepTail(pieces, partial);
        } finally {
            staging.release();
        }
        long bytes = offset - batchStart;
        VolumeCounters.add(counters.logAppends, 1);
        VolumeCounters.add(counters.logBytes, vector.bytes());
        batchRecords = 0;
        vector.clear();
        return bytes;
    }

    /** Copies the last {@code partial} bytes of the batch, which begin the log's last page, to the tail. */
    private void keepTail(int pieces, int partial) {
        int prefix = (int) (batchStart % PAGE_BYTES);
        boolean samePage = batchStart - prefix == offset - partial;
        int from = samePage ? prefix : 0;
        int to = partial;
        for (int i = pieces - 1; to > from; i--) {
            int take = Math.min(vector.pieceLength(i), to - from);
            long end = vector.pieceAddress(i) + vector.pieceLength(i);
            UnsafeMemory.copyMemory(end - take, tailAddress + to - take, take);
            to -= take;
        }
    }
}
