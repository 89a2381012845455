package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.BlockAddress;
import io.varve.engine.log.Segment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import org.jspecify.annotations.Nullable;

/**
 * Reads blocks for the scrub: what the device holds, and not what the page cache does, but for blocks in containers. In the
 * background, one thread at a time.
 */
final class ScrubReads {
    static final int MAX_BLOCKS = 64;
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    private final ByteBuffer window = aligned((MAX_BLOCKS + 1) * BLOCK_BYTES);
    private final CRC32C crc = new CRC32C();

    private static ByteBuffer aligned(int bytes) {
        ByteBuffer memory = ByteBuffer.allocateDirect(bytes + BLOCK_BYTES);
        int skip = (int) (-Jvm.address(memory) & (BLOCK_BYTES - 1));
        return memory.position(skip).limit(skip + bytes).slice();
    }

    /**
     * Reads neighbouring blocks and holds them against their check values.
     *
     * @return what is wrong with the first that is not right; null if all are right
     */
    @Nullable
    String problem(Segment segment, long address, int[] checks, int first, int count) {
        long offset = BlockAddress.offset(address);
        int within = 0;
        try {
            if (segment.moved() == null) {
                within = segment.readDevice(offset, count, window);
            } else {
                segment.readAgain(offset, window.clear().limit(count * BLOCK_BYTES));
            }
        } catch (DiskException e) {
            return String.valueOf(e.getMessage());
        }
        for (int i = 0; i < count; i++) {
            int at = within + i * BLOCK_BYTES;
            crc.reset();
            crc.update(window.limit(at + BLOCK_BYTES).position(at));
            if ((int) crc.getValue() != checks[first + i]) {
                return "the block does not match its check value";
            }
        }
        return null;
    }
}
