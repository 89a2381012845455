package io.varve.engine.log;

import static io.varve.engine.log.ContainerDescriptor.BLOCK_BYTES;
import static io.varve.engine.log.ContainerDescriptor.FRAME_BLOCKS;
import static io.varve.engine.log.ContainerDescriptor.FRAME_BYTES;

import io.varve.engine.io.DiskFile;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The blocks of a segment that were live when it was moved into a container, found by the slots that they always had. Any
 * thread. The lookup part of the index comes in at the first read and may be dropped by {@link FrameCache}.
 */
final class MovedSegment extends PackedBlocks {
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

    /** With how much patience, and whether what is kept unpacked counts. */
    private enum Reading {
        WITHOUT_WAITING,
        WAITING,
        AGAIN
    }

    private final Place place;
    private final ContainerDescriptor.Index layout;
    private final FrameCache cache;

    private volatile @Nullable ByteBuffer lookup;

    MovedSegment(long segmentId, boolean framed, DiskFile container, Place place, FrameCache cache) {
        super(segmentId, container);
        this.place = place;
        this.layout = new ContainerDescriptor.Index(place.blocks(), framed);
        this.cache = cache;
    }

    // ---- blocks ----

    @Override
    int tryRead(long offset, ByteBuffer into) {
        ByteBuffer index = lookup;
        if (index == null) {
            ByteBuffer loaded = ContainerDescriptor.direct(layout.lookupBytes());
            if (file.tryRead(place.indexOffset(), loaded) != loaded.capacity()) {
                return DiskFile.WOULD_BLOCK;
            }
            index = keep(loaded);
        }
        return read(index, offset, into, Reading.WITHOUT_WAITING);
    }

    @Override
    void read(long offset, ByteBuffer into, boolean again) {
        ByteBuffer index = lookup;
        if (index == null) {
            ByteBuffer loaded = ContainerDescriptor.direct(layout.lookupBytes());
            file.read(place.indexOffset(), loaded);
            index = keep(loaded);
        }
        read(index, offset, into, again ? Reading.AGAIN : Reading.WAITING);
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

    private int read(ByteBuffer index, long offset, ByteBuffer into, Reading how) {
        int position = into.position();
        int limit = into.limit();
        int count = (limit - position) / BLOCK_BYTES;
        int key = layout.keyOf((int) (offset / BlockAddress.SLOT_BYTES));
        int frame = -1;
        try {
            for (int done = 0; done < count; ) {
                int block = find(index, key + done);
                int at = position + done * BLOCK_BYTES;
                boolean mayBeKept = how != Reading.AGAIN || block / FRAME_BLOCKS == frame;
                frame = block / FRAME_BLOCKS;
                int read = codec(index, block) == ContainerDescriptor.CODEC_NONE
                        ? readPlain(index, block, count - done, into, at, how)
                        : readPacked(index, block, into, at, mayBeKept, how);
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

    /** Which of the moved blocks has the slot with this key. */
    private int find(ByteBuffer index, int key) {
        int low = 0;
        int high = place.blocks() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int found = layout.key(index, middle);
            if (found == key) {
                return middle;
            }
            if (found < key) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        throw damaged("the block with key " + key + " was not moved with it");
    }

    private byte codec(ByteBuffer index, int block) {
        return layout.frameCodec(index, block / FRAME_BLOCKS);
    }

    private int plainOffset(ByteBuffer index, int block) {
        return layout.frameOffset(index, block / FRAME_BLOCKS) + block % FRAME_BLOCKS * BLOCK_BYTES;
    }

    /** Reads the block and those behind it that are its neighbours here too; answers how many. */
    private int readPlain(ByteBuffer index, int block, int limit, ByteBuffer into, int at, Reading how) {
        int offset = plainOffset(index, block);
        int run = 1;
        int key = layout.key(index, block);
        while (run < limit
                && block + run < place.blocks()
                && layout.key(index, block + run) == key + run
                && codec(index, block + run) == ContainerDescriptor.CODEC_NONE
                && plainOffset(index, block + run) == offset + run * BLOCK_BYTES) {
            run++;
        }
        int limitBefore = into.limit();
        into.limit(at + run * BLOCK_BYTES).position(at);
        boolean read = true;
        if (how == Reading.WITHOUT_WAITING) {
            read = file.tryRead(offset, into) == run * BLOCK_BYTES;
        } else {
            file.read(offset, into);
        }
        into.limit(limitBefore);
        return read ? run : 0;
    }

    private int readPacked(ByteBuffer index, int block, ByteBuffer into, int at, boolean mayBeKept, Reading how) {
        int frame = block / FRAME_BLOCKS;
        int offset = layout.frameOffset(index, frame);
        ByteBuffer unpacked = mayBeKept ? cache.frame(this, frame) : null;
        if (unpacked == null) {
            int length = layout.frameLength(index, frame);
            ByteBuffer packed = FrameCodec.packedBytes(length);
            if (how != Reading.WITHOUT_WAITING) {
                file.read(offset, packed);
            } else if (file.tryRead(offset, packed) != length) {
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
        if (!FrameCodec.unpack(packed, 0, packed.limit(), unpacked, bytes)) {
            throw damaged("a compressed frame of " + bytes + " bytes cannot be read");
        }
        return unpacked;
    }

    // ---- contents ----

    /** Which blocks were moved, in ascending order of their addresses. Waits for storage. */
    SegmentContents contents() {
        int blocks = place.blocks();
        ByteBuffer index = ContainerDescriptor.direct(layout.bytes());
        file.read(place.indexOffset(), index);
        int lookupBytes = layout.lookupBytes();
        if (ContainerDescriptor.check(index, 0, lookupBytes) != place.lookupCheck()
                || ContainerDescriptor.check(index, lookupBytes, index.capacity()) != place.originsCheck()) {
            throw damaged("its index does not match its check values");
        }
        SegmentContents contents = new SegmentContents(blocks);
        for (int i = 0; i < blocks; i++) {
            long offset = (long) layout.slot(index, i) * BlockAddress.SLOT_BYTES;
            contents.add(BlockAddress.of(segmentId, offset), layout.originBlock(index, i));
        }
        return contents;
    }
}
