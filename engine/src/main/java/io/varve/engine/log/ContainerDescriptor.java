package io.varve.engine.log;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * A container: a file that holds the live blocks of segments which have become thin, in frames of up to 16 blocks that
 * were neighbours in their segment, and for each segment an index. Little-endian.
 *
 * <pre>
 *   0          4096
 *  +----------+---------+---------+-----+-----------+---------+-----+
 *  | header   | frame   | frame   |  …  | index of  | frame   |  …  |
 *  |          |         |         |     | a segment |         |     |
 *  +----------+---------+---------+-----+-----------+---------+-----+
 *
 *  header     0 check: CRC32C of bytes 4..15 │ 4 "VCT1" │ 8 file number │ zero
 *
 *  index of n blocks in f = ⌈n/16⌉ frames
 *  +---------------------------+--------------------------+------------------------------+
 *  | n slot keys, u16 each,    | f frames of 8 bytes:     | n origins of 8 bytes:        |
 *  | ascending; zeroes up to a | u32 offset in the file,  | block of the volume &lt;&lt; 7,     |
 *  | multiple of 8 bytes       | u24 length, u8 codec     | low 7 bits of the slot       |
 *  +---------------------------+--------------------------+------------------------------+
 *  |◀──────────── lookup, checked by the row ────────────▶|◀── checked by the row ───────▶|
 * </pre>
 *
 * A slot's key is the slot without its low 7 bits, which tells blocks apart because each takes 128 slots. The frame of
 * the i-th block is number i/16, and there it is the (i mod 16)-th. Reads need the lookup only; the origins say which
 * block of the volume each one was, for the next compaction and for checks.
 */
final class ContainerDescriptor {
    static final int HEADER_BYTES = 4096;
    /** Blocks in a frame, but for the last of a segment. */
    static final int FRAME_BLOCKS = 16;

    static final int BLOCK_BYTES = 4096;
    static final int FRAME_BYTES = FRAME_BLOCKS * BLOCK_BYTES;
    /** Codec of a frame: the blocks as they are. */
    static final byte CODEC_NONE = 0;
    /** Codec of a frame: one LZ4 block. */
    static final byte CODEC_LZ4 = 1;
    /** Bits of a slot that its key does without. */
    static final int KEY_SHIFT = 7;

    private static final int MAGIC = 0x31544356; // "VCT1"
    private static final int CHECK = 0;
    private static final int MAGIC_AT = 4;
    private static final int NUMBER = 8;
    private static final int CHECKED_END = 16;
    private static final int FRAME_ENTRY_BYTES = 8;

    private ContainerDescriptor() {}

    static int frames(int blocks) {
        return (blocks + FRAME_BLOCKS - 1) / FRAME_BLOCKS;
    }

    static int keysBytes(int blocks) {
        return (2 * blocks + 7) & ~7;
    }

    /** Bytes of the part of an index that reads need. */
    static int lookupBytes(int blocks) {
        return keysBytes(blocks) + FRAME_ENTRY_BYTES * frames(blocks);
    }

    static int originsBytes(int blocks) {
        return Long.BYTES * blocks;
    }

    static int indexBytes(int blocks) {
        return lookupBytes(blocks) + originsBytes(blocks);
    }

    static int slot(long address) {
        return (int) (BlockAddress.offset(address) / BlockAddress.SLOT_BYTES);
    }

    static void putKey(ByteBuffer index, int block, int slot) {
        index.putShort(2 * block, (short) (slot >>> KEY_SHIFT));
    }

    static int key(ByteBuffer index, int block) {
        return Short.toUnsignedInt(index.getShort(2 * block));
    }

    static void putFrame(ByteBuffer index, int blocks, int frame, int offset, int length, byte codec) {
        int at = keysBytes(blocks) + FRAME_ENTRY_BYTES * frame;
        index.putInt(at, offset).putInt(at + 4, length | codec << 24);
    }

    static int frameOffset(ByteBuffer index, int blocks, int frame) {
        return index.getInt(keysBytes(blocks) + FRAME_ENTRY_BYTES * frame);
    }

    static int frameLength(ByteBuffer index, int blocks, int frame) {
        return index.getInt(keysBytes(blocks) + FRAME_ENTRY_BYTES * frame + 4) & 0xFFFFFF;
    }

    static byte frameCodec(ByteBuffer index, int blocks, int frame) {
        return (byte) (index.getInt(keysBytes(blocks) + FRAME_ENTRY_BYTES * frame + 4) >>> 24);
    }

    static void putOrigin(ByteBuffer origins, int at, long volumeBlock, int slot) {
        origins.putLong(at, volumeBlock << KEY_SHIFT | slot & (1 << KEY_SHIFT) - 1);
    }

    static long originBlock(long origin) {
        return origin >>> KEY_SHIFT;
    }

    static int originSlot(int key, long origin) {
        return key << KEY_SHIFT | (int) origin & (1 << KEY_SHIFT) - 1;
    }

    static void encodeHeader(ByteBuffer page, long fileNumber) {
        for (int i = 0; i < HEADER_BYTES; i += Long.BYTES) {
            page.putLong(i, 0);
        }
        page.putInt(MAGIC_AT, MAGIC).putLong(NUMBER, fileNumber);
        page.putInt(CHECK, check(page, MAGIC_AT, CHECKED_END));
    }

    /** True when {@code page} is the header of the container in that file. */
    static boolean isHeaderOf(ByteBuffer page, long fileNumber) {
        return page.getInt(MAGIC_AT) == MAGIC
                && page.getLong(NUMBER) == fileNumber
                && page.getInt(CHECK) == check(page, MAGIC_AT, CHECKED_END);
    }

    static int check(ByteBuffer buffer, int from, int to) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.duplicate().limit(to).position(from));
        return (int) crc.getValue();
    }

    static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
