package io.varve.engine.log;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The first 4096 bytes of a segment: who writes it, and behind which record of which segment its first record comes.
 * Records begin at {@link #HEADER_BYTES}. Little-endian.
 *
 * <pre>
 *   0        4        8        12       16
 *  +--------+--------+--------+--------+
 *  | check  |version |   segment id    |   check: CRC32C of bytes 4..127
 *  +--------+--------+-----------------+
 *  |  volume number  | epoch  | flags  |   epoch: the opening of the volume that writes here; flags: 1 framed
 *  +-----------------+--------+--------+
 *  | first sequence  |durable sequence |   first sequence: of the first record in here
 *  +-----------------+-----------------+
 *  |prv.chk | 0      |previous segment |   prv.chk: check of the record that comes before the first one
 *  +--------+--------+-----------------+
 *  | previous offset | 0 …  up to 128  |   previous segment, offset: where that record ends
 *  +-----------------+-----------------+
 * </pre>
 *
 * In a plain segment records follow each other without gaps, and a block's slot is where its bytes are. A
 * <em>framed</em> segment is written by a volume that compresses inline. There every record begins at a multiple of 512
 * bytes, and a DATA record carries a frame of up to 16 blocks, compressed as one if that pays. The blocks have no
 * places of their own; the 16 slots of the record's first 512 bytes are their names:
 *
 * <pre>
 *   512 r                    512 r + 96                                512 (r + 1)
 *  +------------------------+-----------------------------------------+------------ …
 *  | header of the record   | frame: blocks 0, 1, … n-1 (n ≤ 16)      |    … frame │ zeroes up to a multiple of 512
 *  +------------------------+-----------------------------------------+------------ …
 *  slots 16 r, 16 r + 1, … 16 r + 15: block k of the frame has the address (segment, 16 r + k)
 * </pre>
 *
 * So an address alone says where its frame is, later bytes have larger addresses, and no index is needed. The frame is
 * read whole, and every block of it is held against the check value that the block map keeps.
 */
public final class SegmentDescriptor {
    /** Bytes before the first record. */
    public static final int HEADER_BYTES = 4096;

    private static final int VERSION_1 = 1;
    private static final int FLAG_FRAMED = 1;
    private static final int CHECKED_BYTES = 128;
    private static final int CHECK = 0;
    private static final int VERSION = 4;
    private static final int SEGMENT_ID = 8;
    private static final int VOLUME = 16;
    private static final int EPOCH = 24;
    private static final int FLAGS = 28;
    private static final int FIRST_SEQUENCE = 32;
    private static final int DURABLE_SEQUENCE = 40;
    private static final int PREVIOUS_CHECK = 48;
    private static final int PREVIOUS_SEGMENT = 56;
    private static final int PREVIOUS_OFFSET = 64;

    /**
     * What a segment's header says.
     *
     * @param segmentId the segment's own id
     * @param volume the number of the volume that writes it
     * @param epoch the opening of that volume
     * @param framed true if its records are frames
     * @param durableSequence the highest sequence known to be on stable storage when the segment was begun
     * @param start where its first record stands in the volume's log
     * @param previousSegment the segment that the log comes from, 0 if there is none
     * @param previousOffset where the log ended there
     */
    public record Header(
            long segmentId,
            long volume,
            int epoch,
            boolean framed,
            long durableSequence,
            LogPosition start,
            long previousSegment,
            long previousOffset) {}

    private SegmentDescriptor() {}

    /** Writes {@code header} into the first {@link #HEADER_BYTES} of {@code buffer}, all else zero. */
    static void encode(ByteBuffer buffer, Header header) {
        for (int i = 0; i < HEADER_BYTES; i += Long.BYTES) {
            buffer.putLong(i, 0);
        }
        buffer.putInt(VERSION, VERSION_1)
                .putLong(SEGMENT_ID, header.segmentId())
                .putLong(VOLUME, header.volume());
        buffer.putInt(EPOCH, header.epoch())
                .putInt(FLAGS, header.framed() ? FLAG_FRAMED : 0)
                .putLong(FIRST_SEQUENCE, header.start().sequence());
        buffer.putLong(DURABLE_SEQUENCE, header.durableSequence());
        buffer.putInt(PREVIOUS_CHECK, header.start().previousCheck());
        buffer.putLong(PREVIOUS_SEGMENT, header.previousSegment()).putLong(PREVIOUS_OFFSET, header.previousOffset());
        buffer.putInt(CHECK, computeCheck(buffer));
    }

    /** True when {@code buffer} begins with a whole segment header. */
    static boolean isValid(ByteBuffer buffer) {
        return buffer.getInt(VERSION) == VERSION_1 && buffer.getInt(CHECK) == computeCheck(buffer);
    }

    /** Reads a header that {@link #isValid}. */
    static Header decode(ByteBuffer buffer) {
        long segmentId = buffer.getLong(SEGMENT_ID);
        LogPosition start =
                new LogPosition(segmentId, HEADER_BYTES, buffer.getLong(FIRST_SEQUENCE), buffer.getInt(PREVIOUS_CHECK));
        return new Header(
                segmentId,
                buffer.getLong(VOLUME),
                buffer.getInt(EPOCH),
                (buffer.getInt(FLAGS) & FLAG_FRAMED) != 0,
                buffer.getLong(DURABLE_SEQUENCE),
                start,
                buffer.getLong(PREVIOUS_SEGMENT),
                buffer.getLong(PREVIOUS_OFFSET));
    }

    private static int computeCheck(ByteBuffer buffer) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.duplicate().limit(CHECKED_BYTES).position(VERSION));
        return (int) crc.getValue();
    }
}
