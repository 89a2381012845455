package io.varve.engine.check;

import io.varve.engine.BlockStore;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentStore;
import java.nio.ByteBuffer;
import java.util.function.IntUnaryOperator;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Reads neighbouring blocks where they were written and holds them against their check values. One thread; waits for
 * storage.
 */
final class BlockReads {
    /** How many blocks one read takes at most. */
    static final int MAX_RUN = 256;

    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    private final SegmentStore segments;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(MAX_RUN * BLOCK_BYTES);
    private final CRC32C crc = new CRC32C();

    BlockReads(SegmentStore segments) {
        this.segments = segments;
    }

    /**
     * Reads {@code count} blocks, the first of them at {@code address}.
     *
     * @param checks gives the check value of the i-th of them
     * @return what is wrong; null if all are right
     */
    @Nullable
    String problem(long address, int count, IntUnaryOperator checks) {
        Segment segment = segments.find(BlockAddress.segmentId(address));
        if (segment == null) {
            return "segment " + BlockAddress.segmentId(address) + " is not in the table";
        }
        try {
            segment.read(BlockAddress.offset(address), buffer.clear().limit(count * BLOCK_BYTES));
        } catch (DiskException e) {
            return String.valueOf(e.getMessage());
        }
        for (int i = 0; i < count; i++) {
            crc.reset();
            crc.update(buffer.limit((i + 1) * BLOCK_BYTES).position(i * BLOCK_BYTES));
            if ((int) crc.getValue() != checks.applyAsInt(i)) {
                return "the block does not match its check value";
            }
        }
        return null;
    }

    /** The address of the block behind {@code distance} neighbours of the one at {@code address}. */
    long neighbour(long address, int distance) {
        return address + (long) distance * segments.blockSlots(address);
    }

    /** What was read last, {@code count} blocks of it. */
    ByteBuffer blocks(int count) {
        return buffer.limit(count * BLOCK_BYTES).position(0);
    }
}
