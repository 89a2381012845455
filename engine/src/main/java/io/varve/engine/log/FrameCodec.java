package io.varve.engine.log;

import io.varve.engine.Lz4;
import java.nio.ByteBuffer;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4SafeDecompressor;

/**
 * Compresses frames, up to 16 blocks that are neighbours, by LZ4 (the block format, {@code lz4_Block_format.md}). Any
 * thread.
 */
final class FrameCodec {
    /** Blocks in a frame at most. */
    static final int MAX_BLOCKS = 16;

    static final int BLOCK_BYTES = 4096;
    static final int MAX_BYTES = MAX_BLOCKS * BLOCK_BYTES;

    /** A frame is kept compressed if that saves at least this part of it. */
    private static final int LEAST_SAVING = 8;

    private static final LZ4Compressor COMPRESSOR = Lz4.factory().fastCompressor();
    private static final LZ4SafeDecompressor DECOMPRESSOR = Lz4.factory().safeDecompressor();

    /** What a compressed frame takes at most, even if it has become longer. */
    static final int MAX_PACKED_BYTES = COMPRESSOR.maxCompressedLength(MAX_BYTES);

    private static final ThreadLocal<ByteBuffer> PACKED =
            ThreadLocal.withInitial(() -> ContainerDescriptor.direct(MAX_PACKED_BYTES));

    private FrameCodec() {}

    /** Memory of this thread for {@code length} bytes of a packed frame, until the next call. */
    static ByteBuffer packedBytes(int length) {
        return PACKED.get().clear().limit(length);
    }

    /**
     * Compresses the first {@code length} bytes of {@code blocks} to the beginning of {@code packed}, which has {@link
     * #MAX_PACKED_BYTES}. Positions and limits mean nothing and stay.
     *
     * @return the compressed length
     */
    static int pack(ByteBuffer blocks, int length, ByteBuffer packed) {
        return COMPRESSOR.compress(blocks, 0, length, packed, 0, packed.capacity());
    }

    /** True if {@code smaller} bytes in place of {@code bytes} are worth the trouble. */
    static boolean pays(int smaller, int bytes) {
        return smaller <= bytes - bytes / LEAST_SAVING;
    }

    /**
     * Restores a frame to the first {@code bytes} of {@code blocks}. Whatever the packed bytes are, nothing outside of
     * either is touched.
     *
     * @return true if the frame was whole; what it holds is still to be held against its check values
     */
    static boolean unpack(ByteBuffer packed, int at, int length, ByteBuffer blocks, int bytes) {
        try {
            return DECOMPRESSOR.decompress(packed, at, length, blocks, 0, bytes) == bytes;
        } catch (LZ4Exception e) {
            return false;
        }
    }
}
