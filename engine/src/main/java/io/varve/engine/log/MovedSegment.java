package io.varve.engine.log;

import static io.varve.engine.log.ContainerDescriptor.BLOCK_BYTES;
import static io.varve.engine.log.ContainerDescriptor.FRAME_BLOCKS;
import static io.varve.engine.log.ContainerDescriptor.FRAME_BYTES;

import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of a segment that were live when it was moved into a container, found by the slots that they always had. Any
 * thread. The lookup part of the index comes in at the first read and may be dropped by {@link ContainerCache}.
 */
final class MovedSegment {
    private static final LZ4SafeDecompressor LZ4 = LZ4Factory.fastestInstance().safeDecompressor();

    private static final ThreadLocal<ByteBuffer> PACKED =
            ThreadLocal.withInitial(() -> ContainerDescriptor.direct(FRAME_BYTES));
    /** Takes a few bytes that nobody looks at. */
    private static final ByteBuffer SINK = ByteBuffer.allocateDirect(Long.BYTES);

    /**
     * Where the segment's index is.
     *
     * @param indexOffset where it begins in the container
     * @param blocks how many blocks it has
     * @param lookupCheck CRC32C of its lookup part
     * @param originsCheck CRC32C of its origins
     * @param storedBytes bytes of the segment's frames and index
     */
    record Place(int indexOffset, int blocks, int lookupCheck, int originsCheck, int storedBytes) {
        static final Place NOWHERE = new Place(0, 0, 0, 0, 0);
    }

    private final long segmentId;
    private final DiskFile container;
    private final Place place;
    private final ContainerCache cache;

    private volatile @Nullable ByteBuffer lookup;

    MovedSegment(long segmentId, DiskFile container, Place place, ContainerCache cache) {
        this.segmentId = segmentId;
        this.container = container;
        this.place = place;
        this.cache = cache;
    }

    Place place() {
        return place;
    }

    // ---- blocks ----

    /**
     * Reads neighbouring blocks, the first of which stood at byte {@code offset} of the segment, if that takes no
     * waiting.
     *
     * @return the bytes read, or {@link DiskFile#WOULD_BLOCK}
     */
    int tryRead(long offset, ByteBuffer into) {
        ByteBuffer index = lookup;
        if (index == null) {
            ByteBuffer loaded = ContainerDescriptor.direct(ContainerDescriptor.lookupBytes(place.blocks()));
            if (container.tryRead(place.indexOffset(), loaded) != loaded.capacity()) {
                return DiskFile.WOULD_BLOCK;
            }
            index = keep(loaded);
        }
        return read(index, offset, into, true);
    }

    /** Reads as {@link #tryRead} does, on a thread of the disk; then calls back on {@code executor}. */
    void readAsync(long offset, ByteBuffer into, Executor executor, DiskFile.Callback callback) {
        // The few bytes of the header bring us to a thread that may wait; the rest is read there.
        container.readAsync(0, SINK.duplicate(), Runnable::run, failure -> {
            DiskException outcome = failure;
            if (outcome == null) {
                try {
                    read(offset, into);
                } catch (DiskException e) {
                    outcome = e;
                }
            }
            DiskException told = outcome;
            executor.execute(() -> callback.completed(told));
        });
    }

    /** Reads as {@link #tryRead} does, waiting for storage. */
    void read(long offset, ByteBuffer into) {
        ByteBuffer index = lookup;
        if (index == null) {
            ByteBuffer loaded = ContainerDescriptor.direct(ContainerDescriptor.lookupBytes(place.blocks()));
            container.read(place.indexOffset(), loaded);
            index = keep(loaded);
        }
        read(index, offset, into, false);
    }

    private ByteBuffer keep(ByteBuffer loaded) {
        if (ContainerDescriptor.check(loaded, 0, loaded.capacity()) != place.lookupCheck()) {
            throw damaged("its index does not match its check value");
        }
        lookup = loaded;
        cache.keepsLookup(this, loaded.capacity());
        return loaded;
    }

    /** The cache needs the room. */
    void dropLookup() {
        lookup = null;
    }

    private int read(ByteBuffer index, long offset, ByteBuffer into, boolean withoutWaiting) {
        int position = into.position();
        int limit = into.limit();
        int count = (limit - position) / BLOCK_BYTES;
        try {
            for (int done = 0; done < count; ) {
                int block = find(index, offset + (long) done * BLOCK_BYTES);
                int at = position + done * BLOCK_BYTES;
                int read = codec(index, block) == ContainerDescriptor.CODEC_NONE
                        ? readPlain(index, block, count - done, into, at, withoutWaiting)
                        : readPacked(index, block, into, at, withoutWaiting);
                if (read == 0) {
                    return DiskFile.WOULD_BLOCK;
                }
                done += read;
            }
            return count * BLOCK_BYTES;
        } finally {
            into.limit(limit).position(position);
        }
    }

    /** Which of the moved blocks stood at byte {@code offset} of the segment. */
    private int find(ByteBuffer index, long offset) {
        int key = (int) (offset / BlockAddress.SLOT_BYTES) >>> ContainerDescriptor.KEY_SHIFT;
        int low = 0;
        int high = place.blocks() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int found = ContainerDescriptor.key(index, middle);
            if (found == key) {
                return middle;
            }
            if (found < key) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        throw damaged("the block at offset " + offset + " was not moved with it");
    }

    private byte codec(ByteBuffer index, int block) {
        return ContainerDescriptor.frameCodec(index, place.blocks(), block / FRAME_BLOCKS);
    }

    private int plainOffset(ByteBuffer index, int block) {
        return ContainerDescriptor.frameOffset(index, place.blocks(), block / FRAME_BLOCKS)
                + block % FRAME_BLOCKS * BLOCK_BYTES;
    }

    /** Reads the block and those behind it that are its neighbours here too; answers how many. */
    private int readPlain(ByteBuffer index, int block, int limit, ByteBuffer into, int at, boolean withoutWaiting) {
        int offset = plainOffset(index, block);
        int run = 1;
        int key = ContainerDescriptor.key(index, block);
        while (run < limit
                && block + run < place.blocks()
                && ContainerDescriptor.key(index, block + run) == key + run
                && codec(index, block + run) == ContainerDescriptor.CODEC_NONE
                && plainOffset(index, block + run) == offset + run * BLOCK_BYTES) {
            run++;
        }
        int limitBefore = into.limit();
        into.limit(at + run * BLOCK_BYTES).position(at);
        boolean read = true;
        if (withoutWaiting) {
            read = container.tryRead(offset, into) == run * BLOCK_BYTES;
        } else {
            container.read(offset, into);
        }
        into.limit(limitBefore);
        return read ? run : 0;
    }

    private int readPacked(ByteBuffer index, int block, ByteBuffer into, int at, boolean withoutWaiting) {
        int frame = block / FRAME_BLOCKS;
        int offset = ContainerDescriptor.frameOffset(index, place.blocks(), frame);
        ByteBuffer unpacked = cache.frame(this, frame);
        if (unpacked == null) {
            int length = ContainerDescriptor.frameLength(index, place.blocks(), frame);
            ByteBuffer packed = PACKED.get().clear().limit(length);
            if (!withoutWaiting) {
                container.read(offset, packed);
            } else if (container.tryRead(offset, packed) != length) {
                return 0;
            }
            unpacked = unpack(packed, Math.min(FRAME_BYTES, (place.blocks() - frame * FRAME_BLOCKS) * BLOCK_BYTES));
            cache.keepFrame(this, frame, unpacked);
        }
        into.put(at, unpacked, block % FRAME_BLOCKS * BLOCK_BYTES, BLOCK_BYTES);
        return 1;
    }

    private ByteBuffer unpack(ByteBuffer packed, int bytes) {
        ByteBuffer unpacked = ByteBuffer.allocate(bytes);
        int length;
        try {
            length = LZ4.decompress(packed, 0, packed.limit(), unpacked, 0, bytes);
        } catch (LZ4Exception e) {
            throw damaged("a compressed frame cannot be read: " + e.getMessage());
        }
        if (length != bytes) {
            throw damaged("a compressed frame holds " + length + " bytes where " + bytes + " are due");
        }
        return unpacked;
    }

    // ---- contents ----

    /** Which blocks were moved, in ascending order of their addresses. Waits for storage. */
    SegmentContents contents() {
        int blocks = place.blocks();
        ByteBuffer index = ContainerDescriptor.direct(ContainerDescriptor.indexBytes(blocks));
        container.read(place.indexOffset(), index);
        int lookupBytes = ContainerDescriptor.lookupBytes(blocks);
        if (ContainerDescriptor.check(index, 0, lookupBytes) != place.lookupCheck()
                || ContainerDescriptor.check(index, lookupBytes, index.capacity()) != place.originsCheck()) {
            throw damaged("its index does not match its check values");
        }
        SegmentContents contents = new SegmentContents(blocks);
        for (int i = 0; i < blocks; i++) {
            long origin = index.getLong(lookupBytes + i * Long.BYTES);
            int slot = ContainerDescriptor.originSlot(ContainerDescriptor.key(index, i), origin);
            contents.add(
                    BlockAddress.of(segmentId, (long) slot * BlockAddress.SLOT_BYTES),
                    ContainerDescriptor.originBlock(origin));
        }
        return contents;
    }

    private DiskException damaged(String what) {
        return new DiskException(
                DiskException.Kind.IO, "segment " + segmentId + " in " + container.name() + ": " + what);
    }
}
