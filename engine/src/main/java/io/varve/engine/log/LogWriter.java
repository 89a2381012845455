package io.varve.engine.log;

import io.varve.engine.VolumeCounters;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.IoVector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;
import org.jspecify.annotations.Nullable;

/**
 * Appends records to one volume's log. Records are gathered into a batch that {@link #writeBatch} hands to the kernel
 * in one call. Loop only; on the hot path: no allocation per record.
 *
 * <p>Writes always cover whole pages of the file: the part of the last page that holds earlier records is kept in memory
 * and written again in front of the batch, and the batch is padded with zeroes to the end of its last page. So the
 * kernel never has to read a page of a recycled file before changing a part of it, and what follows the newest record
 * is never a stale one. Writing earlier records again with the bytes that they already have harms nothing if torn.
 */
public final class LogWriter {
    /** The most blocks that one DATA record carries: 1 MiB at any alignment. */
    public static final int MAX_RECORD_BLOCKS = 258;

    /** The most blocks of a frame, which is what one DATA record carries in a framed segment. */
    public static final int MAX_FRAME_BLOCKS = FrameCodec.MAX_BLOCKS;

    /** The most bytes of a framed segment: four plain ones would fit into the blocks that it may hold. */
    private static final int MAX_FRAMED_SEGMENT_BYTES = 16 << 20;
    /** The most blocks of a framed segment, so that its index is no larger than that of a plain one of 64 MiB. */
    private static final int MAX_SEGMENT_BLOCKS = 1 << 14;
    /** The frames of a request's piece of 1 MiB. */
    private static final int MAX_PIECE_FRAMES = (MAX_RECORD_BLOCKS + MAX_FRAME_BLOCKS - 1) / MAX_FRAME_BLOCKS;

    /** What a SNAPSHOT record needs behind its header. */
    public static final int SNAPSHOT_PAYLOAD_BYTES = SnapshotPayload.BYTES;

    private static final int CONTROL_RESERVE_BYTES = 32 << 10;
    private static final int PAGE_BYTES = 4096;
    private static final int BLOCK_BYTES = 4096;
    private static final int MAX_BATCH_RECORDS = 256;
    private static final int ROLL_BYTES = RecordDescriptor.HEADER_BYTES + RollPayload.BYTES;
    private static final int CONTROL_BYTES =
            MAX_BATCH_RECORDS * (RecordDescriptor.HEADER_BYTES + SnapshotPayload.BYTES);
    private static final ThreadLocal<ByteBuffer> HEADER_PAGE =
            ThreadLocal.withInitial(() -> direct(SegmentDescriptor.HEADER_BYTES));

    private final long volume;
    private final VolumeCounters counters;
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

    private final FrameStaging staging;

    private boolean framed;
    private int epoch;
    private @Nullable Segment current;
    private @Nullable Segment next;
    private long writeOffset;
    private long nextSequence;
    private int previousCheck;
    private long durableSequence;
    private final List<Segment> unsynced = new ArrayList<>();
    private final List<Segment> sealed = new ArrayList<>();

    private long batchStart;
    private int batchRecords;
    private int controlUsed;
    private int segmentBlocks;
    private int recordAt;
    private int payloadPiece;
    private long recordBytes;

    public LogWriter(long volume, VolumeCounters counters, FrameMemory memory) {
        this.volume = volume;
        this.counters = counters;
        this.staging = new FrameStaging(memory);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Begins to write under a new epoch, in a fresh segment, behind {@code previous}. */
    public void begin(int newEpoch, Segment first, LogPosition previous) {
        epoch = newEpoch;
        nextSequence = previous.sequence();
        previousCheck = previous.previousCheck();
        durableSequence = previous.sequence() - 1;
        startSegment(first, previous.segmentId(), previous.offset());
    }

    /**
     * Ends the log here, where it can go on only under a new epoch. Nothing waits in the batch; a segment that was
     * {@linkplain #provideNext provided} is given up.
     */
    public void end() {
        if (batchRecords > 0) {
            throw new IllegalStateException("the log ends within a batch");
        }
        if (isDurable()) {
            unsynced.clear(); // no checkpoint syncs them any more, and they may go
        }
        leave(segment());
        current = null;
        next = null;
    }

    /**
     * Has data go to framed segments from now on, compressed, or to plain ones. The segment at hand takes only records
     * without data if it is of the other kind.
     */
    public void setFramed(boolean wanted) {
        framed = wanted;
        Segment following = next;
        if (following != null && following.framed() != wanted) {
            sealed.add(following);
            next = null;
        }
    }

    /** True if data goes to framed segments. */
    public boolean isFramed() {
        return framed;
    }

    /** The capacity to give the next segment, within {@code maxSegmentBytes}, so that it can be filled. */
    public long nextCapacity(long maxSegmentBytes) {
        long capacity = SegmentStore.nextCapacity(segment().capacityBytes(), maxSegmentBytes);
        if (!framed) {
            return capacity;
        }
        long fills = segmentBlocks == 0 ? capacity : writeOffset * MAX_SEGMENT_BLOCKS / segmentBlocks;
        long most = Math.min(maxSegmentBytes, MAX_FRAMED_SEGMENT_BYTES);
        return Math.min(capacity, SegmentStore.capacityFor(Math.min(fills, most), most));
    }

    /** Bytes that are allocated for records to come. */
    public long unusedBytes() {
        Segment following = next;
        return segment().capacityBytes() - writeOffset + (following == null ? 0 : following.capacityBytes());
    }

    /** True between {@link #begin} and {@link #end}. */
    public boolean isOpen() {
        return current != null;
    }

    /** Where the next record goes, as far as batches were written. Only between batches. */
    public LogPosition position() {
        return new LogPosition(segment().id(), writeOffset, nextSequence, previousCheck);
    }

    /** The sequence of the last record appended. */
    public long lastSequence() {
        return nextSequence - 1;
    }

    public long durableSequence() {
        return durableSequence;
    }

    public int epoch() {
        return epoch;
    }

    /** Notes that everything up to {@code sequence} is on stable storage. */
    public void markDurable(long sequence) {
        durableSequence = Math.max(durableSequence, sequence);
    }

    /** True when all that was appended, and the header of the segment that it ends in, is on stable storage. */
    public boolean isDurable() {
        return durableSequence >= nextSequence - 1 && writeOffset > SegmentDescriptor.HEADER_BYTES;
    }

    /** The segments written since the last call: what a sync has to cover. */
    public List<Segment> takeUnsynced() {
        List<Segment> taken = new ArrayList<>(unsynced);
        unsynced.clear();
        return taken;
    }

    /** The segments written and not taken by {@link #takeUnsynced}. */
    public List<Segment> unsynced() {
        return new ArrayList<>(unsynced);
    }

    /**
     * These segments are on stable storage as they were when the log's end was at {@code end}: the one that the end was in
     * may have been written to since, and left behind too.
     */
    public void forgetSynced(List<Segment> synced, LogPosition end) {
        Segment writing = current;
        boolean unchanged =
                writing != null && writing.id() == end.segmentId() && writeOffset == end.offset() && batchRecords == 0;
        unsynced.removeIf(segment -> synced.contains(segment) && (unchanged || segment.id() != end.segmentId()));
    }

    /** The segments left behind since the last call. */
    public List<Segment> takeSealed() {
        List<Segment> taken = new ArrayList<>(sealed);
        sealed.clear();
        return taken;
    }

    /** True when a segment to go on in has to be provided by {@link #provideNext} soon. */
    public boolean wantsNext() {
        return current != null
                && next == null
                && (writeOffset > current.capacityBytes() / 2 || segmentBlocks > MAX_SEGMENT_BLOCKS / 2 && framed);
    }

    public void provideNext(Segment segment) {
        if (next != null) {
            sealed.add(next); // it was too small, and holds nothing
        }
        next = segment;
        setFramed(framed); // the setting may have changed meanwhile
    }

    /** The segment prepared but not begun, if any; the writer no longer has it. */
    public @Nullable Segment takeNext() {
        Segment taken = next;
        next = null;
        return taken;
    }

    /**
     * True when a record of {@code payloadBytes} can be appended now, going on to the next segment if need be. Data
     * leaves a reserve for trims and snapshots, which must not fail for want of a segment when the disk is full.
     */
    public boolean hasRoom(int payloadBytes) {
        return hasRoomHere(payloadBytes) || next != null;
    }

    /** Like {@link #hasRoom}, but without going on to the next segment. */
    public boolean hasRoomHere(int payloadBytes) {
        int reserve = payloadBytes >= BLOCK_BYTES ? CONTROL_RESERVE_BYTES : 0;
        return fits(payloadBytes, reserve);
    }

    /** True when a segment to go on in is ready. */
    public boolean hasNext() {
        return next != null;
    }

    /** True when the segment to go on in can hold a record of {@code payloadBytes} of data. */
    public boolean nextHolds(int payloadBytes) {
        return next != null && segmentBytesFor(payloadBytes) <= next.capacityBytes();
    }

    /** The least capacity of a segment that a record of {@code payloadBytes} of data can be the first one of. */
    public long segmentBytesFor(int payloadBytes) {
        return SegmentDescriptor.HEADER_BYTES
                + recordBytes(framed, payloadBytes)
                + CONTROL_RESERVE_BYTES
                + recordBytes(framed, RollPayload.BYTES)
                - RecordDescriptor.HEADER_BYTES;
    }

    private boolean fits(int payloadBytes, int reserve) {
        Segment here = segment();
        if (!framed && !here.framed()) {
            long end = writeOffset + RecordDescriptor.HEADER_BYTES + payloadBytes + reserve + ROLL_BYTES;
            return end <= here.capacityBytes();
        }
        return fitsFrames(here, payloadBytes, reserve);
    }

    private boolean fitsFrames(Segment here, int payloadBytes, int reserve) {
        int blocks = payloadBytes / BLOCK_BYTES;
        if (blocks > 0 && (here.framed() != framed || segmentBlocks + blocks > MAX_SEGMENT_BLOCKS)) {
            return false;
        }
        long end = writeOffset
                + recordBytes(here.framed(), payloadBytes)
                + reserve
                + recordBytes(here.framed(), RollPayload.BYTES);
        return end <= here.capacityBytes();
    }

    /** What the records of so many bytes take at most. */
    private static long recordBytes(boolean framed, int payloadBytes) {
        if (!framed) {
            return RecordDescriptor.HEADER_BYTES + (long) payloadBytes;
        }
        long frames = payloadBytes / FrameCodec.MAX_BYTES + 1L;
        return payloadBytes + frames * (RecordDescriptor.HEADER_BYTES + FramedSegment.RECORD_UNIT);
    }

    /** True when {@link #makeRoom} would go on to the next segment. */
    public boolean wouldRoll(int payloadBytes) {
        return !fits(payloadBytes, 0);
    }

    /** True when nothing waits for {@link #writeBatch}. */
    public boolean batchIsEmpty() {
        return batchRecords == 0;
    }

    /** True when the batch must be written before another record of {@code pieces} pieces is appended. */
    public boolean batchIsFull(int pieces) {
        int frames = framed ? MAX_PIECE_FRAMES : 0;
        return batchRecords + 4 + frames > MAX_BATCH_RECORDS || !vector.hasRoom(pieces + 6 + 3 * frames);
    }

    /**
     * Goes on to the next segment if a record of {@code payloadBytes} does not fit here. The batch is written first.
     * {@link #hasRoom} must be true.
     */
    public void makeRoom(int payloadBytes) {
        if (fits(payloadBytes, 0)) {
            return;
        }
        Segment target = next;
        if (target == null) {
            throw new IllegalStateException("no segment to go on in");
        }
        RollPayload roll = new RollPayload(target.id(), target.fileNumber(), target.capacityBytes());
        int at = beginRecord(RecordDescriptor.ROLL, (byte) 0, RollPayload.BYTES);
        roll.encode(control, at + RecordDescriptor.HEADER_BYTES);
        finishControl(at, RollPayload.BYTES, 0, 0);
        writeBatch();
        Segment left = segment();
        long leftAt = writeOffset;
        leave(left);
        sealed.add(left);
        next = null;
        startSegment(target, left.id(), leftAt);
    }

    private void startSegment(Segment segment, long previousSegment, long previousOffset) {
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
        writeOffset = SegmentDescriptor.HEADER_BYTES;
        segmentBlocks = 0;
        unsynced.add(segment);
    }

    private void leave(Segment segment) {
        if (segment.packed() instanceof FramedSegment frames) {
            frames.left(segmentBlocks, writeOffset);
        }
    }

    private Segment segment() {
        Segment segment = current;
        if (segment == null) {
            throw new IllegalStateException("the log is not open");
        }
        return segment;
    }

    /** Appends a record without payload. {@link #makeRoom} for 0 bytes comes before. */
    public void appendControl(byte type, byte flags, long firstBlock, long blockCount) {
        int at = beginRecord(type, flags, 0);
        finishControl(at, 0, firstBlock, blockCount);
    }

    /** Appends a SNAPSHOT record. {@link #makeRoom} for {@link #SNAPSHOT_PAYLOAD_BYTES} comes before. */
    public void appendSnapshot(SnapshotPayload payload) {
        int at = beginRecord(RecordDescriptor.SNAPSHOT, (byte) 0, SnapshotPayload.BYTES);
        payload.encode(control, at + RecordDescriptor.HEADER_BYTES);
        finishControl(at, SnapshotPayload.BYTES, 0, 0);
    }

    /**
     * Begins a DATA record of {@code blockCount} blocks, {@link #MAX_FRAME_BLOCKS} at most if data goes to framed segments;
     * {@link #addBlocks} brings them, {@link #endData} ends it. {@link #makeRoom} comes before.
     *
     * @return the address of its first block
     */
    public long beginData(long firstBlock, int blockCount, byte flags) {
        recordAt = beginRecord(RecordDescriptor.DATA, flags, blockCount * BLOCK_BYTES);
        RecordDescriptor.encodeBlocks(control, recordAt, firstBlock, blockCount);
        vector.add(controlAddress + recordAt, RecordDescriptor.HEADER_BYTES);
        recordBytes = RecordDescriptor.HEADER_BYTES;
        payloadPiece = vector.count();
        payloadCrc.reset();
        return segment().addressAt(writeOffset);
    }

    /**
     * Adds whole blocks from a direct buffer, which must stay as it is until the batch is written, and puts their
     * CRC32Cs into {@code checks}.
     */
    public void addBlocks(ByteBuffer source, int position, int length, int[] checks, int checkAt) {
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

    /** Ends a DATA record. */
    public void endData() {
        if (framed) {
            endFrame();
        }
        seal(recordAt, (int) payloadCrc.getValue());
        writeOffset += recordBytes;
        if (framed) {
            padRecord();
        }
    }

    private void endFrame() {
        int bytes = (int) recordBytes - RecordDescriptor.HEADER_BYTES;
        segmentBlocks += bytes / BLOCK_BYTES;
        int kept = staging.compress(vector, payloadPiece, bytes);
        if (kept < bytes) {
            RecordDescriptor.encodePayload(control, recordAt, RecordDescriptor.CODEC_LZ4, kept);
            recordBytes -= bytes - kept;
        }
    }

    /** Fills up to where the next record of a framed segment begins. */
    private void padRecord() {
        int gap = (int) (FramedSegment.recordEnd(writeOffset) - writeOffset);
        vector.add(zeroPageAddress, gap);
        writeOffset += gap;
    }

    private int beginRecord(byte type, byte flags, int payloadBytes) {
        if (batchRecords == 0) {
            batchStart = writeOffset;
            vector.clear();
            vector.add(tailAddress, (int) (writeOffset % PAGE_BYTES));
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
        writeOffset += bytes;
        if (segment().framed()) {
            padRecord();
        }
    }

    private void seal(int at, int payloadCheck) {
        RecordDescriptor.encodeChecks(control, at, previousCheck, payloadCheck);
        previousCheck = RecordDescriptor.seal(control, at, segment().id(), crc, seed);
    }

    /**
     * Hands the batch to the kernel: one gathered write.
     *
     * @return the bytes appended
     * @throws DiskException if the write failed: the log is then unusable
     */
    public long writeBatch() {
        if (batchRecords == 0) {
            return 0;
        }
        Segment segment = segment();
        int pieces = vector.count();
        int partial = (int) (writeOffset % PAGE_BYTES);
        if (partial != 0) {
            vector.add(zeroPageAddress, PAGE_BYTES - partial);
        }
        try {
            segment.file().write(batchStart - batchStart % PAGE_BYTES, vector);
            keepTail(pieces, partial);
        } finally {
            staging.release();
        }
        if (unsynced.isEmpty() || unsynced.get(unsynced.size() - 1).id() != segment.id()) {
            unsynced.add(segment);
        }
        long bytes = writeOffset - batchStart;
        VolumeCounters.add(counters.logAppends, 1);
        VolumeCounters.add(counters.logBytes, vector.bytes());
        batchRecords = 0;
        vector.clear();
        return bytes;
    }

    /** Copies the last {@code partial} bytes of the batch, which begin the log's last page, to the tail. */
    private void keepTail(int pieces, int partial) {
        int prefix = (int) (batchStart % PAGE_BYTES);
        boolean samePage = batchStart - prefix == writeOffset - partial;
        int from = samePage ? prefix : 0;
        int to = partial;
        for (int i = pieces - 1; to > from; i--) {
            int take = Math.min(vector.pieceLength(i), to - from);
            long end = vector.pieceAddress(i) + vector.pieceLength(i);
            UnsafeMemory.copyMemory(end - take, tailAddress + to - take, take);
            to -= take;
        }
    }

    /** The segment being written. */
    public Segment currentSegment() {
        return segment();
    }

    /** The offset behind the last batch in {@link #currentSegment}. */
    public long currentOffset() {
        return writeOffset;
    }
}
