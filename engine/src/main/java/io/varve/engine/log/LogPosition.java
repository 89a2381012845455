package io.varve.engine.log;

/**
 * A point between two records of a volume's log.
 *
 * @param segmentId the segment that the next record stands in; 0 for a volume that was never written
 * @param offset the byte offset of the next record in that segment
 * @param sequence the sequence that the next record has
 * @param previousCheck the header check of the record before
 */
public record LogPosition(long segmentId, long offset, long sequence, int previousCheck) {
    /** Where the log of a new volume begins. */
    public static final LogPosition START = new LogPosition(0, 0, 1, 0);

    /** The address that the next record will have or exceed. */
    public long address() {
        return BlockAddress.of(segmentId, offset);
    }
}
