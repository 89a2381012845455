package io.varve.engine;

/**
 * The limits of a store, fixed at its opening.
 *
 * @param memory how much each consumer of memory may have
 * @param checkpointLogBytes log bytes, over all volumes, after which a checkpoint is written: bounds replay
 * @param checkpointVolumeLogBytes log bytes of one volume after which it takes part in the next checkpoint early
 * @param maxSegmentBytes the size segments grow to; in a small file system they stay smaller
 * @param ballastBytes space kept for what gives space back on a full disk, or {@link #BALLAST_BY_DISK}
 * @param scrubBytesPerSecond how fast everything is read in the background and held against its check values; 0 for
 *     never
 * @param limits what all volumes together are held to: operations and payload bytes per second, 0 for no limit; the
 *     rest of it means nothing here
 */
public record StoreOptions(
        MemoryBudget memory,
        long checkpointLogBytes,
        long checkpointVolumeLogBytes,
        int maxSegmentBytes,
        long ballastBytes,
        long scrubBytesPerSecond,
        QosLimits limits) {
    /** A ballast of 1 % of the file system, from 64 MiB to 1 GiB, and at most a sixteenth of it. */
    public static final long BALLAST_BY_DISK = -1;

    private static final int MIN_SEGMENT_BYTES = 1 << 20;

    /** What a store is opened with if nothing else is said. */
    public static final StoreOptions DEFAULT =
            new StoreOptions(128L << 20, 256L << 20, 64L << 20, 128L << 20, 64 << 20);

    /** The usual memory but for map pages and dirty log bytes, the usual ballast, and no scrub. */
    public StoreOptions(
            long mapMemoryBytes,
            long checkpointLogBytes,
            long checkpointVolumeLogBytes,
            long dirtyLogBytes,
            int maxSegmentBytes) {
        this(
                MemoryBudget.DEFAULT.with(MemoryUse.MAP_PAGES, mapMemoryBytes).with(MemoryUse.DIRTY_LOG, dirtyLogBytes),
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                maxSegmentBytes,
                BALLAST_BY_DISK,
                0,
                QosLimits.UNLIMITED);
    }

    /** The same with another memory. */
    public StoreOptions withMemory(MemoryBudget budget) {
        return new StoreOptions(
                budget,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                maxSegmentBytes,
                ballastBytes,
                scrubBytesPerSecond,
                limits);
    }

    /** The same with another ballast. */
    public StoreOptions withBallast(long bytes) {
        return new StoreOptions(
                memory,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                maxSegmentBytes,
                bytes,
                scrubBytesPerSecond,
                limits);
    }

    /** The same with a scrub. */
    public StoreOptions withScrub(long bytesPerSecond) {
        return new StoreOptions(
                memory,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                maxSegmentBytes,
                ballastBytes,
                bytesPerSecond,
                limits);
    }

    /** The same with limits for all volumes together. */
    public StoreOptions withLimits(QosLimits all) {
        return new StoreOptions(
                memory,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                maxSegmentBytes,
                ballastBytes,
                scrubBytesPerSecond,
                all);
    }

    /** The same with segments that are no more than a 32nd of a file system of that size, but 1 MiB at least. */
    public StoreOptions fittedTo(long diskBytes) {
        int segment = maxSegmentBytes;
        while (segment > diskBytes / 32 && segment / 4 >= MIN_SEGMENT_BYTES) {
            segment /= 4;
        }
        return new StoreOptions(
                memory,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                segment,
                ballastBytes,
                scrubBytesPerSecond,
                limits);
    }
}
