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
 *  | n slot keys, u16 or u32,  | f frames of 8 bytes:     | n origins of 8 bytes:        |
 *  | ascending; zeroes up to a | u32 offset in the file,  | block of the volume &lt;&lt; 7,     |
 *  | multiple of 8 bytes       | u24 length, u8 codec     | low 7 bits of the slot       |
 *  +---------------------------+--------------------------+------------------------------+
 *  |◀──────────── lookup, checked by the row ────────────▶|◀── checked by the row ───────▶|
 * </pre>
 *
 * A slot's key is the slot without its low 7 bits, u16, which tells blocks apart because each takes 128 slots; in the
 * index of a framed segment ({@link SegmentDescriptor}) it is the whole slot, u32. Keys of neighbours differ by 1 in
 * both. The frame of the i-th block is number i/16, and there it is the (i mod 16)-th. Reads need the lookup only; the
 * origins say which block of the volume each one was, for the next compaction and for checks.
 */
final class ContainerDescriptor {
    static final int HEADER_BYTES = 4096;
    /** Blocks in a frame, but for the last of a segment. */
    static final int FRAME_BLOCKS = FrameCodec.MAX_BLOCKS;

    static final int BLOCK_BYTES = FrameCodec.BLOCK_BYTES;
    static final int FRAME_BYTES = FrameCodec.MAX_BYTES;
    /** Codec of a frame: the blocks as they are. */
    static final byte CODEC_NONE = 0;
    /** Codec of a frame: one LZ4 block. */
    static final byte CODEC_LZ4 = 1;

    private static final int ORIGIN_SHIFT = 7;

    private static final int MAGIC = 0x31544356; // "VCT1"
    private static final int CHECK = 0;
    private static final int MAGIC_AT = 4;
    private static final int NUMBER = 8;
    private static final int CHECKED_END = 16;
    private static final int FRAME_ENTRY_BYTES = 8;

    private ContainerDescriptor() {}

    /**
     * Where what stands in an index.
     *
     * @param blocks how many blocks it is of
     * @param framed true if the segment was written in frames
     */
    record Index(int blocks, boolean framed) {
        int frames() {
            return (blocks + FRAME_BLOCKS - 1) / FRAME_BLOCKS;
        }

        private int keysBytes() {
            return (blocks * (framed ? Integer.BYTES : Short.BYTES) + 7) & ~7;
        }

        /** Bytes of the part that reads need. */
        int lookupBytes() {
            return keysBytes() + FRAME_ENTRY_BYTES * frames();
        }

        int bytes() {
            return lookupBytes() + Long.BYTES * blocks;
        }

        /** The key of a slot. */
        int keyOf(int slot) {
            return framed ? slot : slot >>> ORIGIN_SHIFT;
        }

        void putSlot(ByteBuffer index, int block, int slot) {
            if (framed) {
                index.putInt(Integer.BYTES * block, slot);
            } else {
                index.putShort(Short.BYTES * block, (short) keyOf(slot));
            }
        }

        int key(ByteBuffer index, int block) {
            return framed
                    ? index.getInt(Integer.BYTES * block)
                    : Short.toUnsignedInt(index.getShort(Short.BYTES * block));
        }

        void putFrame(ByteBuffer index, int frame, int offset, int length, byte codec) {
            int at = keysBytes() + FRAME_ENTRY_BYTES * frame;
            index.putInt(at, offset).putInt(at + 4, length | codec << 24);
        }

        int frameOffset(ByteBuffer index, int frame) {
            return index.getInt(keysBytes() + FRAME_ENTRY_BYTES * frame);
        }

        int frameLength(ByteBuffer index, int frame) {
            return index.getInt(keysBytes() + FRAME_ENTRY_BYTES * frame + 4) & 0xFFFFFF;
        }

        byte frameCodec(ByteBuffer index, int frame) {
            return (byte) (index.getInt(keysBytes() + FRAME_ENTRY_BYTES * frame + 4) >>> 24);
        }

        void putOrigin(ByteBuffer index, int block, long volumeBlock, int slot) {
            long origin = volumeBlock << ORIGIN_SHIFT | slot & (1 << ORIGIN_SHIFT) - 1;
            index.putLong(lookupBytes() + block * Long.BYTES, origin);
        }

        long originBlock(ByteBuffer index, int block) {
            return origin(index, block) >>> ORIGIN_SHIFT;
        }

        int slot(ByteBuffer index, int block) {
            int low = (int) origin(index, block) & (1 << ORIGIN_SHIFT) - 1;
            return framed ? key(index, block) : key(index, block) << ORIGIN_SHIFT | low;
        }

        private long origin(ByteBuffer index, int block) {
            return index.getLong(lookupBytes() + block * Long.BYTES);
        }
    }

    static int slot(long address) {
        return (int) (BlockAddress.offset(address) / BlockAddress.SLOT_BYTES);
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
