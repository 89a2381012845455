package io.varve.engine.log;

/** How large segments are made, and what records take of them. */
public final class SegmentCapacity {
    /** The capacity of a log's first segment, and the least of any. */
    static final int LEAST_BYTES = 1 << 20;

    /** The most blocks of a framed segment, so that its index is no larger than that of a plain one of 64 MiB. */
    static final int MAX_FRAMED_BLOCKS = 1 << 14;

    /**
     * What data leaves of a segment for trims and snapshots, which must not fail for want of one when the disk is full.
     */
    static final int CONTROL_RESERVE_BYTES = 32 << 10;

    /** The most bytes of a framed segment: four plain ones would fit into the blocks that it may hold. */
    private static final int MAX_FRAMED_BYTES = 16 << 20;

    private static final int GROWTH = 4;

    private SegmentCapacity() {}

    /** The capacity to give a volume's next segment: four times the last one's, within the store's limit. */
    public static long next(long lastCapacityBytes, long maxSegmentBytes) {
        long next = lastCapacityBytes == 0 ? LEAST_BYTES : GROWTH * lastCapacityBytes;
        return Math.min(next, maxSegmentBytes);
    }

    /** The smallest capacity of segments with {@code bytes}; above the store's limit only if that is too little. */
    public static long of(long bytes, long maxSegmentBytes) {
        long capacity = next(0, maxSegmentBytes);
        while (capacity < bytes) {
            capacity *= GROWTH;
        }
        return capacity;
    }

    /** The next smaller capacity. */
    static long smaller(long capacityBytes) {
        return capacityBytes / GROWTH;
    }

    /**
     * The capacity to give the framed segment that follows one with so many blocks in so many bytes, so that it can be
     * filled.
     */
    static long nextFramed(long lastCapacityBytes, int lastBlocks, long lastBytes, long maxSegmentBytes) {
        long capacity = next(lastCapacityBytes, maxSegmentBytes);
        long fills = lastBlocks == 0 ? capacity : lastBytes * MAX_FRAMED_BLOCKS / lastBlocks;
        long most = Math.min(maxSegmentBytes, MAX_FRAMED_BYTES);
        return Math.min(capacity, of(Math.min(fills, most), most));
    }

    /** The least capacity of a segment that records of {@code payloadBytes} of data can be the first ones of. */
    static long forFirst(boolean framed, int payloadBytes) {
        return SegmentDescriptor.HEADER_BYTES
                + recordBytes(framed, payloadBytes)
                + CONTROL_RESERVE_BYTES
                + recordBytes(framed, RollPayload.BYTES)
                - RecordDescriptor.HEADER_BYTES;
    }

    /** What the records of so many bytes take at most. */
    static long recordBytes(boolean framed, int payloadBytes) {
        if (!framed) {
            return RecordDescriptor.HEADER_BYTES + (long) payloadBytes;
        }
        long frames = payloadBytes / FrameCodec.MAX_BYTES + 1L;
        return payloadBytes + frames * (RecordDescriptor.HEADER_BYTES + FramedSegment.RECORD_UNIT);
    }
}
