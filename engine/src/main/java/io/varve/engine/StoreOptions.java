package io.varve.engine;

/**
 * The limits of a store, fixed at its opening.
 *
 * @param mapMemoryBytes memory for resident map pages
 * @param checkpointLogBytes log bytes, over all volumes, after which a checkpoint is written: bounds replay
 * @param checkpointVolumeLogBytes log bytes of one volume after which it takes part in the next checkpoint early
 * @param dirtyLogBytes log bytes that may wait for write-back before volumes are {@linkplain Volume#congested congested}
 * @param maxSegmentBytes the size segments grow to; in a small file system they stay smaller
 * @param ballastBytes space kept for what gives space back on a full disk, or {@link #BALLAST_BY_DISK}
 * @param scrubBytesPerSecond how fast everything is read in the background and held against its check values; 0 for
 *     never
 */
public record StoreOptions(
        long mapMemoryBytes,
        long checkpointLogBytes,
        long checkpointVolumeLogBytes,
        long dirtyLogBytes,
        int maxSegmentBytes,
        long ballastBytes,
        long scrubBytesPerSecond) {
    /** A ballast of 1 % of the file system, from 64 MiB to 1 GiB, and at most a sixteenth of it. */
    public static final long BALLAST_BY_DISK = -1;

    private static final int MIN_SEGMENT_BYTES = 1 << 20;

    /** What a store is opened with if nothing else is said. */
    public static final StoreOptions DEFAULT =
            new StoreOptions(128L << 20, 256L << 20, 64L << 20, 128L << 20, 64 << 20);

    /** The usual ballast, and no scrub. */
    public StoreOptions(
            long mapMemoryBytes,
            long checkpointLogBytes,
            long checkpointVolumeLogBytes,
            long dirtyLogBytes,
            int maxSegmentBytes) {
        this(
                mapMemoryBytes,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                dirtyLogBytes,
                maxSegmentBytes,
                BALLAST_BY_DISK,
                0);
    }

    /** The same with another ballast. */
    public StoreOptions withBallast(long bytes) {
        return new StoreOptions(
                mapMemoryBytes,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                dirtyLogBytes,
                maxSegmentBytes,
                bytes,
                scrubBytesPerSecond);
    }

    /** The same with a scrub. */
    public StoreOptions withScrub(long bytesPerSecond) {
        return new StoreOptions(
                mapMemoryBytes,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                dirtyLogBytes,
                maxSegmentBytes,
                ballastBytes,
                bytesPerSecond);
    }

    /** The same with segments that are no more than a 32nd of a file system of that size, but 1 MiB at least. */
    public StoreOptions fittedTo(long diskBytes) {
        int segment = maxSegmentBytes;
        while (segment > diskBytes / 32 && segment / 4 >= MIN_SEGMENT_BYTES) {
            segment /= 4;
        }
        return new StoreOptions(
                mapMemoryBytes,
                checkpointLogBytes,
                checkpointVolumeLogBytes,
                dirtyLogBytes,
                segment,
                ballastBytes,
                scrubBytesPerSecond);
    }
}
