package io.varve.engine.log;

import io.varve.engine.VolumeCounters;
import io.varve.engine.io.DiskException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One volume's log: appends records in batches ({@link RecordWriter}), goes on to the next segment when one is full,
 * and knows what of it all is not on stable storage yet. Loop only; on the hot path: no allocation per record.
 */
public final class LogWriter {
    /** The most blocks that one DATA record carries: 1 MiB at any alignment. */
    public static final int MAX_RECORD_BLOCKS = 258;

    /** The most blocks of a frame, which is what one DATA record carries in a framed segment. */
    public static final int MAX_FRAME_BLOCKS = FrameCodec.MAX_BLOCKS;

    /** The frames of a request's piece of 1 MiB. */
    private static final int MAX_PIECE_FRAMES = (MAX_RECORD_BLOCKS + MAX_FRAME_BLOCKS - 1) / MAX_FRAME_BLOCKS;

    /** What a SNAPSHOT record needs behind its header. */
    public static final int SNAPSHOT_PAYLOAD_BYTES = SnapshotPayload.BYTES;

    private static final int BLOCK_BYTES = 4096;
    private static final int ROLL_BYTES = RecordDescriptor.HEADER_BYTES + RollPayload.BYTES;

    private final RecordWriter records;
    private boolean framed;
    private @Nullable Segment next;
    /** Blocks in the segment at hand if that is framed. */
    private int segmentBlocks;

    private final List<Segment> unsynced = new ArrayList<>();
    private final List<Segment> sealed = new ArrayList<>();

    public LogWriter(long volume, VolumeCounters counters, FrameMemory memory) {
        this.records = new RecordWriter(volume, counters, memory);
    }

    /** Begins to write under a new epoch, in a fresh segment, behind {@code previous}. */
    public void begin(int newEpoch, Segment first, LogPosition previous) {
        records.begin(newEpoch, first, previous);
        segmentBlocks = 0;
        unsynced.add(first);
    }

    /**
     * Ends the log here, where it can go on only under a new epoch. Nothing waits in the batch; a segment that was
     * {@linkplain #provideNext provided} is given up.
     */
    public void end() {
        if (!records.isEmpty()) {
            throw new IllegalStateException("the log ends within a batch");
        }
        if (isDurable()) {
            unsynced.clear(); // no checkpoint syncs them any more, and they may go
        }
        leave();
        records.end();
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
        long last = records.segment().capacityBytes();
        return framed
                ? SegmentCapacity.nextFramed(last, segmentBlocks, records.offset(), maxSegmentBytes)
                : SegmentCapacity.next(last, maxSegmentBytes);
    }

    /** Bytes that are allocated for records to come. */
    public long unusedBytes() {
        Segment following = next;
        return records.segment().capacityBytes()
                - records.offset()
                + (following == null ? 0 : following.capacityBytes());
    }

    /** True between {@link #begin} and {@link #end}. */
    public boolean isOpen() {
        return records.isOpen();
    }

    /** Where the next record goes, as far as batches were written. Only between batches. */
    public LogPosition position() {
        return records.position();
    }

    /** The sequence of the last record appended. */
    public long lastSequence() {
        return records.lastSequence();
    }

    public int epoch() {
        return records.epoch();
    }

    /** Notes that everything up to {@code sequence} is on stable storage. */
    public void markDurable(long sequence) {
        records.markDurable(sequence);
    }

    /** True when all that was appended, and the header of the segment that it ends in, is on stable storage. */
    public boolean isDurable() {
        return records.durableSequence() >= records.lastSequence() && records.offset() > SegmentDescriptor.HEADER_BYTES;
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
     * These segments are on stable storage as they were when the log's end was at {@code end}: the one that the end was
     * in may have been written to since, and left behind too.
     */
    public void forgetSynced(List<Segment> synced, LogPosition end) {
        boolean unchanged = records.isOpen()
                && records.segment().id() == end.segmentId()
                && records.offset() == end.offset()
                && records.isEmpty();
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
        return records.isOpen() && next == null && (isHalfFull() || isHalfFullOfFrames());
    }

    private boolean isHalfFull() {
        return records.offset() > records.segment().capacityBytes() / 2;
    }

    private boolean isHalfFullOfFrames() {
        return framed && segmentBlocks > SegmentCapacity.MAX_FRAMED_BLOCKS / 2;
    }

    public void provideNext(Segment segment) {
        if (next != null) {
            sealed.add(next); // it was too small, and holds nothing
        }
        next = segment;
        setFramed(framed); // the setting may have changed meanwhile
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
        int reserve = payloadBytes >= BLOCK_BYTES ? SegmentCapacity.CONTROL_RESERVE_BYTES : 0;
        return fits(payloadBytes, reserve);
    }

    /** True when the segment to go on in can hold a record of {@code payloadBytes} of data. */
    public boolean nextHolds(int payloadBytes) {
        return next != null && segmentBytesFor(payloadBytes) <= next.capacityBytes();
    }

    /** The least capacity of a segment that a record of {@code payloadBytes} of data can be the first one of. */
    public long segmentBytesFor(int payloadBytes) {
        return SegmentCapacity.forFirst(framed, payloadBytes);
    }

    private boolean fits(int payloadBytes, int reserve) {
        Segment here = records.segment();
        if (!framed && !here.framed()) {
            long end = records.offset() + RecordDescriptor.HEADER_BYTES + payloadBytes + reserve + ROLL_BYTES;
            return end <= here.capacityBytes();
        }
        return fitsFrames(here, payloadBytes, reserve);
    }

    private boolean fitsFrames(Segment here, int payloadBytes, int reserve) {
        int blocks = payloadBytes / BLOCK_BYTES;
        if (blocks > 0 && (here.framed() != framed || segmentBlocks + blocks > SegmentCapacity.MAX_FRAMED_BLOCKS)) {
            return false;
        }
        long end = records.offset()
                + SegmentCapacity.recordBytes(here.framed(), payloadBytes)
                + reserve
                + SegmentCapacity.recordBytes(here.framed(), RollPayload.BYTES);
        return end <= here.capacityBytes();
    }

    /** True when {@link #makeRoom} would go on to the next segment. */
    public boolean wouldRoll(int payloadBytes) {
        return !fits(payloadBytes, 0);
    }

    /** True when nothing waits for {@link #writeBatch}. */
    public boolean batchIsEmpty() {
        return records.isEmpty();
    }

    /** True when the batch must be written before another record of {@code pieces} pieces is appended. */
    public boolean batchIsFull(int pieces) {
        int frames = framed ? MAX_PIECE_FRAMES : 0;
        return records.isFull(4 + frames, pieces + 6 + 3 * frames);
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
        records.appendRoll(new RollPayload(target.id(), target.fileNumber(), target.capacityBytes()));
        writeBatch();
        leave();
        sealed.add(records.segment());
        next = null;
        records.goOn(target);
        segmentBlocks = 0;
        unsynced.add(target);
    }

    private void leave() {
        if (records.segment().packed() instanceof FramedSegment frames) {
            frames.left(segmentBlocks, records.offset());
        }
    }

    /** Appends a record without payload. {@link #makeRoom} for 0 bytes comes before. */
    public void appendControl(byte type, byte flags, long firstBlock, long blockCount) {
        records.appendControl(type, flags, firstBlock, blockCount);
    }

    /** Appends a SNAPSHOT record. {@link #makeRoom} for {@link #SNAPSHOT_PAYLOAD_BYTES} comes before. */
    public void appendSnapshot(SnapshotPayload payload) {
        records.appendSnapshot(payload);
    }

    /**
     * Begins a DATA record of {@code blockCount} blocks, {@link #MAX_FRAME_BLOCKS} at most if data goes to framed
     * segments; {@link #addBlocks} brings them, {@link #endData} ends it. {@link #makeRoom} comes before.
     *
     * @return the address of its first block
     */
    public long beginData(long firstBlock, int blockCount, byte flags) {
        return records.beginData(firstBlock, blockCount, flags);
    }

    /**
     * Adds whole blocks from a direct buffer, which must stay as it is until the batch is written, and puts their
     * CRC32Cs into {@code checks}.
     */
    public void addBlocks(ByteBuffer source, int position, int length, int[] checks, int checkAt) {
        records.addBlocks(source, position, length, checks, checkAt);
    }

    /** Ends a DATA record. */
    public void endData() {
        int blocks = records.endData(framed);
        if (framed) {
            segmentBlocks += blocks;
        }
    }

    /**
     * Hands the batch to the kernel: one gathered write.
     *
     * @return the bytes appended
     * @throws DiskException if the write failed: the log is then unusable
     */
    public long writeBatch() {
        if (records.isEmpty()) {
            return 0;
        }
        long bytes = records.write();
        Segment segment = records.segment();
        if (unsynced.isEmpty() || unsynced.get(unsynced.size() - 1).id() != segment.id()) {
            unsynced.add(segment);
        }
        return bytes;
    }

    /** The segment being written. */
    public Segment currentSegment() {
        return records.segment();
    }

    /** The offset behind the last batch in {@link #currentSegment}. */
    public long currentOffset() {
        return records.offset();
    }
}
