package io.varve.engine.log;

import static io.varve.engine.log.ContainerDescriptor.BLOCK_BYTES;
import static io.varve.engine.log.ContainerDescriptor.FRAME_BLOCKS;
import static io.varve.engine.log.ContainerDescriptor.FRAME_BYTES;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Fills a container with the live blocks of segments, one segment after the other. Waits for storage; one thread at a
 * time. What it wrote counts only once {@link SegmentStore#moved} has published it.
 */
public final class ContainerWriter {
    private static final int STAGING_BYTES = 1 << 20;

    /** A segment in the container. */
    record Member(long segmentId, MovedSegment.Place place) {}

    private final SegmentFiles.Free target;
    private final ByteBuffer staging = ContainerDescriptor.direct(STAGING_BYTES);
    private final ByteBuffer frame = ContainerDescriptor.direct(FRAME_BYTES);
    private final ByteBuffer packed = ContainerDescriptor.direct(FrameCodec.MAX_PACKED_BYTES);
    private final List<Member> members = new ArrayList<>();
    private long stagedAt;
    private long segmentId;
    private boolean compressed;
    private ContainerDescriptor.Index layout = new ContainerDescriptor.Index(0, false);
    private ByteBuffer index = ContainerDescriptor.direct(0);
    private int added;
    private int segmentAt;
    private int framesPacked;

    ContainerWriter(SegmentFiles.Free target) {
        this.target = target;
        ContainerDescriptor.encodeHeader(staging, target.number());
        staging.position(ContainerDescriptor.HEADER_BYTES);
    }

    SegmentFiles.Free target() {
        return target;
    }

    List<Member> members() {
        return members;
    }

    /** Bytes of the file filled so far. */
    public long usedBytes() {
        return stagedAt + staging.position();
    }

    /** True if a segment of so many live blocks fits however badly they compress. */
    public boolean hasRoomFor(Segment segment, int liveBlocks) {
        long needed =
                (long) liveBlocks * BLOCK_BYTES + new ContainerDescriptor.Index(liveBlocks, segment.framed()).bytes();
        return usedBytes() + needed <= target.capacityBytes();
    }

    /**
     * Begins a segment of which {@code liveBlocks} blocks follow.
     *
     * @param compress keep frames compressed that become at least an eighth smaller
     */
    public void begin(Segment segment, int liveBlocks, boolean compress) {
        segmentId = segment.id();
        layout = new ContainerDescriptor.Index(liveBlocks, segment.framed());
        compressed = compress;
        added = 0;
        segmentAt = (int) usedBytes();
        index = ContainerDescriptor.direct(layout.bytes());
        frame.clear();
    }

    /** Adds the next block, {@code volumeBlock} of its volume, written at {@code address}: 4 KiB of {@code source}. */
    public void add(long address, long volumeBlock, ByteBuffer source) {
        int slot = ContainerDescriptor.slot(address);
        layout.putSlot(index, added, slot);
        layout.putOrigin(index, added, volumeBlock, slot);
        frame.put(source);
        added++;
        if (added % FRAME_BLOCKS == 0 || added == layout.blocks()) {
            endFrame();
        }
    }

    private void endFrame() {
        int length = frame.position();
        int number = (added - 1) / FRAME_BLOCKS;
        int smaller = compressed ? FrameCodec.pack(frame, length, packed) : length;
        boolean pays = FrameCodec.pays(smaller, length);
        byte codec = pays ? ContainerDescriptor.CODEC_LZ4 : ContainerDescriptor.CODEC_NONE;
        ByteBuffer kept = pays ? packed.limit(smaller).position(0) : frame.flip();
        layout.putFrame(index, number, (int) usedBytes(), kept.remaining(), codec);
        put(kept);
        framesPacked += pays ? 1 : 0;
        frame.clear();
        packed.clear();
    }

    /** The segment does not come after all; what was added of it is left unused. */
    public void drop() {
        frame.clear();
    }

    /** Ends the segment. */
    public void end() {
        int blocks = layout.blocks();
        if (added != blocks) {
            throw new IllegalStateException("segment " + segmentId + " has " + added + " of " + blocks + " blocks");
        }
        int lookup = layout.lookupBytes();
        int indexAt = (int) usedBytes();
        int lookupCheck = ContainerDescriptor.check(index, 0, lookup);
        int originsCheck = ContainerDescriptor.check(index, lookup, index.capacity());
        put(index.clear());
        int stored = (int) usedBytes() - segmentAt;
        members.add(new Member(segmentId, new MovedSegment.Place(indexAt, blocks, lookupCheck, originsCheck, stored)));
    }

    private void put(ByteBuffer bytes) {
        while (bytes.hasRemaining()) {
            if (!staging.hasRemaining()) {
                flush();
            }
            int take = Math.min(bytes.remaining(), staging.remaining());
            staging.put(bytes.duplicate().limit(bytes.position() + take));
            bytes.position(bytes.position() + take);
        }
    }

    private void flush() {
        int bytes = staging.position();
        target.file().write(stagedAt, staging.flip());
        stagedAt += bytes;
        staging.clear();
    }

    /** Writes the rest, gives back what the file has too much, and makes all of it durable. */
    public void finish() {
        flush();
        if (filled().capacityBytes() < target.capacityBytes()) {
            target.file().truncate(filled().capacityBytes());
        }
        target.file().sync();
    }

    /** The file as {@link #finish} left it. */
    SegmentFiles.Free filled() {
        boolean full = SegmentFiles.isFilledBy(stagedAt, target.capacityBytes());
        long bytes = full ? target.capacityBytes() : SegmentFiles.wholePages(stagedAt);
        return new SegmentFiles.Free(target.number(), bytes, target.file());
    }

    /** Frames kept compressed so far. */
    public int framesPacked() {
        return framesPacked;
    }
}
