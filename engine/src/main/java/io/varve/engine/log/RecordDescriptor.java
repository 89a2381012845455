package io.varve.engine.log;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The header of a log record, 96 bytes, little-endian; the payload follows it. Records begin on multiples of 32
 * bytes, in framed segments of 512 ({@link SegmentDescriptor}).
 *
 * <pre>
 *   0        4        8        12       16
 *  +--------+--------+--------+--------+
 *  | check  |ty fl co| epoch  | length |   check: CRC32C of the segment's id (8 bytes) and of bytes 4..95
 *  +--------+--------+--------+--------+   ty type, fl flags, co codec of the payload, one byte 0
 *  |    sequence     |durable sequence |   length: bytes of payload in the log
 *  +-----------------+-----------------+   durable sequence: the highest sequence known to be on stable storage
 *  |prv.chk |pay.chk |   first block   |   prv.chk: check of the record before; pay.chk: see below
 *  +--------+--------+-----------------+
 *  |   block count   | key id |nonce...|   first block, block count: what the record changes, in 4 KiB blocks
 *  +-----------------+--------+--------+
 *  | ...nonce (12)   |     tag (16)... |   key id, nonce, tag: room for encryption, all 0
 *  +-----------------+-----------------+
 *  | ...tag          |
 *  +-----------------+
 * </pre>
 *
 * The payload check of a DATA record is the CRC32C of the CRC32Cs of its blocks (4 bytes each), because those are what
 * the block map keeps, compressed or not; of other records it is the CRC32C of the payload. The segment's id in the
 * header's check keeps a record of a recycled file's former life from ever being taken for one of this life.
 */
public final class RecordDescriptor {
    /** Bytes of the header. */
    public static final int HEADER_BYTES = 96;

    /**
     * Blocks of data: the payload is {@code block count} blocks of 4096 bytes, compressed as one if the codec says so.
     */
    public static final byte DATA = 1;
    /** Blocks become holes. No payload. */
    public static final byte TRIM = 2;
    /** Blocks become zero. No payload. */
    public static final byte ZERO = 3;
    /** A snapshot: the payload is a {@link SnapshotPayload}. */
    public static final byte SNAPSHOT = 4;
    /** The log goes on in another segment: the payload is a {@link RollPayload}. */
    public static final byte ROLL = 5;

    /** Flag: this record and the next belong to one request, and are replayed together or not at all. */
    public static final byte FLAG_CONTINUES = 1;

    /** Codec: the payload is stored as it is. */
    public static final byte CODEC_NONE = 0;
    /** Codec: the payload of a DATA record is one LZ4 block. Only in framed segments. */
    public static final byte CODEC_LZ4 = 1;

    private static final int CHECK = 0;
    private static final int TYPE = 4;
    private static final int FLAGS = 5;
    private static final int CODEC = 6;
    private static final int EPOCH = 8;
    private static final int LENGTH = 12;
    private static final int SEQUENCE = 16;
    private static final int DURABLE = 24;
    private static final int PREVIOUS_CHECK = 32;
    private static final int PAYLOAD_CHECK = 36;
    private static final int FIRST_BLOCK = 40;
    private static final int BLOCK_COUNT = 48;
    private static final int KEY_ROOM = 56;

    private RecordDescriptor() {}

    /** Writes a header, all but its check, at {@code at}. */
    static void encode(
            ByteBuffer buffer, int at, byte type, byte flags, int epoch, int length, long sequence, long durable) {
        buffer.putInt(at + CHECK, 0);
        buffer.put(at + TYPE, type)
                .put(at + FLAGS, flags)
                .put(at + CODEC, CODEC_NONE)
                .put(at + CODEC + 1, (byte) 0);
        buffer.putInt(at + EPOCH, epoch).putInt(at + LENGTH, length);
        buffer.putLong(at + SEQUENCE, sequence).putLong(at + DURABLE, durable);
        for (int i = KEY_ROOM; i < HEADER_BYTES; i += Long.BYTES) {
            buffer.putLong(at + i, 0);
        }
    }

    /** Changes what {@link #encode} wrote: the payload is {@code length} bytes of {@code codec}. */
    static void encodePayload(ByteBuffer buffer, int at, byte codec, int length) {
        buffer.put(at + CODEC, codec).putInt(at + LENGTH, length);
    }

    static void encodeChecks(ByteBuffer buffer, int at, int previousCheck, int payloadCheck) {
        buffer.putInt(at + PREVIOUS_CHECK, previousCheck).putInt(at + PAYLOAD_CHECK, payloadCheck);
    }

    static void encodeBlocks(ByteBuffer buffer, int at, long firstBlock, long blockCount) {
        buffer.putLong(at + FIRST_BLOCK, firstBlock).putLong(at + BLOCK_COUNT, blockCount);
    }

    /** Computes the header's check, writes it and answers it. {@code seed} is scratch space of 8 bytes. */
    static int seal(ByteBuffer buffer, int at, long segmentId, CRC32C crc, ByteBuffer seed) {
        int check = computeCheck(buffer, at, segmentId, crc, seed);
        buffer.putInt(at + CHECK, check);
        return check;
    }

    /** True when the header at {@code at} has the check that it must have in that segment. */
    static boolean isValid(ByteBuffer buffer, int at, long segmentId, CRC32C crc, ByteBuffer seed) {
        return type(buffer, at) != 0 && check(buffer, at) == computeCheck(buffer, at, segmentId, crc, seed);
    }

    private static int computeCheck(ByteBuffer buffer, int at, long segmentId, CRC32C crc, ByteBuffer seed) {
        crc.reset();
        seed.putLong(0, segmentId).position(0).limit(Long.BYTES);
        crc.update(seed);
        int position = buffer.position();
        int limit = buffer.limit();
        buffer.limit(at + HEADER_BYTES).position(at + TYPE);
        crc.update(buffer);
        buffer.limit(limit).position(position);
        return (int) crc.getValue();
    }

    static int check(ByteBuffer buffer, int at) {
        return buffer.getInt(at + CHECK);
    }

    static byte type(ByteBuffer buffer, int at) {
        return buffer.get(at + TYPE);
    }

    static byte flags(ByteBuffer buffer, int at) {
        return buffer.get(at + FLAGS);
    }

    static byte codec(ByteBuffer buffer, int at) {
        return buffer.get(at + CODEC);
    }

    static int epoch(ByteBuffer buffer, int at) {
        return buffer.getInt(at + EPOCH);
    }

    static int length(ByteBuffer buffer, int at) {
        return buffer.getInt(at + LENGTH);
    }

    static long sequence(ByteBuffer buffer, int at) {
        return buffer.getLong(at + SEQUENCE);
    }

    static long durableSequence(ByteBuffer buffer, int at) {
        return buffer.getLong(at + DURABLE);
    }

    static int previousCheck(ByteBuffer buffer, int at) {
        return buffer.getInt(at + PREVIOUS_CHECK);
    }

    static int payloadCheck(ByteBuffer buffer, int at) {
        return buffer.getInt(at + PAYLOAD_CHECK);
    }

    static long firstBlock(ByteBuffer buffer, int at) {
        return buffer.getLong(at + FIRST_BLOCK);
    }

    static long blockCount(ByteBuffer buffer, int at) {
        return buffer.getLong(at + BLOCK_COUNT);
    }
}
