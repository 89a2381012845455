package io.varve.engine.log;

import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import org.jspecify.annotations.Nullable;

/**
 * Replays a volume's log from a checkpoint's position. Reads what the device holds, not what the page cache does,
 * because a failed sync leaves pages there that look clean and were never written. Waits for storage.
 *
 * <p>A record is accepted only if its header's check, its epoch, its sequence, the check of the record before it and its
 * payload's check are all right; the first one that is not is the cut. A cut is the torn tail of a crash, unless a later
 * record of the same epoch names a durable sequence at or above the cut's: then records that were on stable storage are
 * gone, which is damage.
 */
public final class LogReader {
    private static final int WINDOW_BYTES = 2 << 20;
    private static final int BLOCK_BYTES = 4096;
    /** How far behind a cut that meets nothing but zeroes later records are looked for. */
    private static final long EMPTY_SCAN_BYTES = 8 << 20;

    private final SegmentStore segments;
    private final long volume;
    private final Handler handler;
    private final ByteBuffer aligned;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer seed = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer checkBytes = ByteBuffer.allocateDirect(4).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer unpacked;
    private final int[] checks = new int[LogWriter.MAX_RECORD_BLOCKS];
    private final List<Runnable> held = new ArrayList<>();
    private @Nullable DiskFile windowFile;
    private long windowStart;
    private long windowEnd;
    private int epoch;
    private long records;

    /** Memory for replay, 2 MiB. It serves one log after the other, so that many cost no more than one. */
    public static final class Memory {
        private final ByteBuffer window;
        private final ByteBuffer unpacked = ByteBuffer.allocateDirect(FrameCodec.MAX_BYTES);

        public Memory() {
            ByteBuffer memory = ByteBuffer.allocateDirect(WINDOW_BYTES + BLOCK_BYTES);
            int skip = (int) (-Jvm.address(memory) & (BLOCK_BYTES - 1));
            window = memory.position(skip).limit(skip + WINDOW_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** Takes what replay accepts, in log order. */
    public interface Handler {
        /**
         * Blocks of data, the addresses of which differ by {@code blockSlots}; their CRC32Cs stand in {@code checks} from 0
         * on, only during the call.
         */
        void data(long firstBlock, int count, long address, int blockSlots, int[] checks);

        /** Blocks that became holes, or zero. */
        void cleared(long firstBlock, long count, boolean hole);

        /** A snapshot; the next record is at {@code after}. */
        void snapshot(SnapshotPayload payload, LogPosition after);

        /** A whole request was replayed and the log has come to {@code position}. */
        void replayedTo(LogPosition position, int epoch);
    }

    /**
     * How a replay ended.
     *
     * @param end behind the last record accepted
     * @param epoch the epoch of that record
     * @param damagedUntil if records are missing that were on stable storage: the highest such sequence
     * @param records how many records were accepted
     */
    public record Result(LogPosition end, int epoch, OptionalLong damagedUntil, long records) {}

    /** @param memory used by no other reader at the same time */
    public LogReader(SegmentStore segments, long volume, Handler handler, Memory memory) {
        this.segments = segments;
        this.volume = volume;
        this.handler = handler;
        this.aligned = memory.window;
        this.unpacked = memory.unpacked;
    }

    /** The header of the segment that a file holds, if it holds one. */
    static Optional<SegmentDescriptor.Header> header(DiskFile file) {
        ByteBuffer memory = ByteBuffer.allocateDirect(2 * BLOCK_BYTES);
        int skip = (int) (-Jvm.address(memory) & (BLOCK_BYTES - 1));
        ByteBuffer page =
                memory.position(skip).limit(skip + BLOCK_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        file.readDevice(0, page);
        return SegmentDescriptor.isValid(page) ? Optional.of(SegmentDescriptor.decode(page)) : Optional.empty();
    }

    /** Replays everything from {@code from} on, which {@code startEpoch} wrote. */
    public Result replay(LogPosition from, int startEpoch) {
        epoch = startEpoch;
        LogPosition position = from;
        LogPosition accepted = from;
        while (true) {
            LogPosition after = position.segmentId() == 0 ? null : step(position);
            after = after == null ? continued(accepted) : after;
            if (after == null) {
                break;
            }
            position = after;
            if (held.isEmpty()) {
                accepted = position;
                handler.replayedTo(accepted, epoch);
            }
        }
        held.clear();
        return new Result(accepted, epoch, damagedUntil(position), records);
    }

    /** Takes the record at {@code at}; answers where the next one is, or null if there is no acceptable record. */
    private @Nullable LogPosition step(LogPosition at) {
        Segment segment = segments.find(at.segmentId());
        if (segment == null || at.offset() + RecordDescriptor.HEADER_BYTES > segment.capacityBytes()) {
            return null;
        }
        int header = window(segment, at.offset(), RecordDescriptor.HEADER_BYTES);
        if (!RecordDescriptor.isValid(aligned, header, segment.id(), crc, seed)
                || RecordDescriptor.epoch(aligned, header) != epoch
                || RecordDescriptor.sequence(aligned, header) != at.sequence()
                || RecordDescriptor.previousCheck(aligned, header) != at.previousCheck()) {
            return null;
        }
        int length = RecordDescriptor.length(aligned, header);
        long payloadAt = at.offset() + RecordDescriptor.HEADER_BYTES;
        if (length < 0 || payloadAt + length > segment.capacityBytes()) {
            return null;
        }
        header = window(segment, at.offset(), RecordDescriptor.HEADER_BYTES + length);
        if (!payloadMatches(segment, header, length)) {
            return null;
        }
        int check = RecordDescriptor.check(aligned, header);
        long next = segment.nextRecord(payloadAt + length);
        LogPosition after = new LogPosition(segment.id(), next, at.sequence() + 1, check);
        if (RecordDescriptor.type(aligned, header) == RecordDescriptor.ROLL) {
            return roll(RollPayload.decode(aligned, header + RecordDescriptor.HEADER_BYTES), after);
        }
        accept(segment, at, header, after);
        return after;
    }

    private void accept(Segment segment, LogPosition at, int header, LogPosition after) {
        records++;
        long first = RecordDescriptor.firstBlock(aligned, header);
        long count = RecordDescriptor.blockCount(aligned, header);
        switch (RecordDescriptor.type(aligned, header)) {
            case RecordDescriptor.DATA -> {
                long address = segment.addressAt(at.offset());
                int[] kept = Arrays.copyOf(checks, (int) count);
                held.add(() -> handler.data(first, (int) count, address, segment.blockSlots(), kept));
            }
            case RecordDescriptor.TRIM -> held.add(() -> handler.cleared(first, count, true));
            case RecordDescriptor.ZERO -> held.add(() -> handler.cleared(first, count, false));
            case RecordDescriptor.SNAPSHOT -> {
                SnapshotPayload payload = SnapshotPayload.decode(aligned, header + RecordDescriptor.HEADER_BYTES);
                held.add(() -> handler.snapshot(payload, after));
            }
            default -> throw new IllegalStateException("a valid record of an unknown type");
        }
        if ((RecordDescriptor.flags(aligned, header) & RecordDescriptor.FLAG_CONTINUES) == 0) {
            held.forEach(Runnable::run);
            held.clear();
        }
    }

    /** The log went on in another segment, if that segment was begun. */
    private @Nullable LogPosition roll(RollPayload roll, LogPosition after) {
        Segment next = segments.adopt(roll.segmentId(), volume, roll.fileNumber(), roll.capacityBytes());
        if (next == null) {
            return null;
        }
        Optional<SegmentDescriptor.Header> header = header(next.file());
        boolean begun = header.isPresent()
                && header.get().segmentId() == next.id()
                && header.get().epoch() == epoch
                && header.get().start().sequence() == after.sequence()
                && header.get().start().previousCheck() == after.previousCheck();
        return begun ? header.get().start() : null;
    }

    /** An opening of the volume that the superblock at hand does not know of: its first segment names our end. */
    private @Nullable LogPosition continued(LogPosition end) {
        for (SegmentDescriptor.Header header : segments.unknown().of(volume)) {
            if (header.epoch() > epoch
                    && header.previousSegment() == end.segmentId()
                    && header.previousOffset() == end.offset()
                    && header.start().sequence() == end.sequence()
                    && header.start().previousCheck() == end.previousCheck()
                    && segments.adopt(header) != null) {
                epoch = header.epoch();
                held.clear();
                return header.start();
            }
        }
        return null;
    }

    private boolean payloadMatches(Segment segment, int header, int length) {
        int payloadAt = header + RecordDescriptor.HEADER_BYTES;
        byte codec = RecordDescriptor.codec(aligned, header);
        if (RecordDescriptor.type(aligned, header) != RecordDescriptor.DATA) {
            return codec == RecordDescriptor.CODEC_NONE
                    && checkOf(aligned, payloadAt, length) == RecordDescriptor.payloadCheck(aligned, header);
        }
        long count = RecordDescriptor.blockCount(aligned, header);
        if (codec == RecordDescriptor.CODEC_LZ4 && segment.framed()) {
            return count <= FrameCodec.MAX_BLOCKS
                    && FrameCodec.unpack(aligned, payloadAt, length, unpacked, (int) count * BLOCK_BYTES)
                    && blocksMatch(header, unpacked, 0, (int) count);
        }
        return codec == RecordDescriptor.CODEC_NONE
                && count <= checks.length
                && count * BLOCK_BYTES == length
                && blocksMatch(header, aligned, payloadAt, (int) count);
    }

    private boolean blocksMatch(int header, ByteBuffer blocks, int at, int count) {
        CRC32C payload = new CRC32C();
        for (int i = 0; i < count; i++) {
            checks[i] = checkOf(blocks, at + i * BLOCK_BYTES, BLOCK_BYTES);
            checkBytes.putInt(0, checks[i]).position(0).limit(Integer.BYTES);
            payload.update(checkBytes);
        }
        return (int) payload.getValue() == RecordDescriptor.payloadCheck(aligned, header);
    }

    private int checkOf(ByteBuffer bytes, int at, int length) {
        crc.reset();
        crc.update(bytes.duplicate().limit(at + length).position(at));
        return (int) crc.getValue();
    }

    /** Brings {@code length} bytes at {@code offset} into the window; answers where they stand in it. */
    private int window(Segment segment, long offset, int length) {
        boolean here = windowFile == segment.file() && offset >= windowStart && offset + length <= windowEnd;
        if (!here) {
            windowStart = offset - offset % BLOCK_BYTES;
            windowEnd = Math.min(windowStart + WINDOW_BYTES, segment.capacityBytes());
            windowFile = segment.file();
            aligned.clear().limit((int) (windowEnd - windowStart));
            segment.file().readDevice(windowStart, aligned);
            aligned.clear();
        }
        return (int) (offset - windowStart);
    }

    // ---- damage ----

    /** The highest durable sequence that a record behind {@code cut} names, if it is not below the cut's sequence. */
    private OptionalLong damagedUntil(LogPosition cut) {
        long durable = 0;
        Segment segment = segments.find(cut.segmentId());
        if (segment != null) {
            durable = highestDurable(segment, cut.offset());
        }
        for (SegmentDescriptor.Header header : segments.unknown().of(volume)) {
            if (header.epoch() == epoch && header.start().sequence() > cut.sequence()) {
                durable = Math.max(durable, header.durableSequence());
            }
        }
        for (Segment later : segments.openSegments(volume)) {
            Optional<SegmentDescriptor.Header> header = header(later.file());
            if (header.isPresent()
                    && header.get().segmentId() == later.id()
                    && header.get().epoch() == epoch
                    && header.get().start().sequence() > cut.sequence()) {
                durable = Math.max(durable, header.get().durableSequence());
            }
        }
        return durable >= cut.sequence() ? OptionalLong.of(durable) : OptionalLong.empty();
    }

    private long highestDurable(Segment segment, long from) {
        long highest = 0;
        long end = segment.capacityBytes();
        boolean empty = true;
        for (long at = from; at + RecordDescriptor.HEADER_BYTES <= end; at += BlockAddress.SLOT_BYTES) {
            int header = window(segment, at, RecordDescriptor.HEADER_BYTES);
            empty &= aligned.getLong(header) == 0;
            if (empty && at - from > EMPTY_SCAN_BYTES) {
                break;
            }
            byte type = RecordDescriptor.type(aligned, header);
            if (type >= RecordDescriptor.DATA
                    && type <= RecordDescriptor.ROLL
                    && RecordDescriptor.epoch(aligned, header) == epoch
                    && RecordDescriptor.isValid(aligned, header, segment.id(), crc, seed)) {
                highest = Math.max(highest, RecordDescriptor.durableSequence(aligned, header));
            }
        }
        return highest;
    }
}
