package io.varve.engine;

/**
 * The limits of a store, fixed at its opening.
 *
 * @param mapMemoryBytes memory for resident map pages
 * @param checkpointLogBytes log bytes, over all volumes, after which a checkpoint is written: bounds replay
 * @param checkpointVolumeLogBytes log bytes of one volume after which it takes part in the next checkpoint early
 * @param dirtyLogBytes log bytes that may wait for write-back before volumes are {@linkplain Volume#congested congested}
 * @param maxSegmentBytes the size segments grow to
 */
public record StoreOptions(
        long mapMemoryBytes,
        long checkpointLogBytes,
        long checkpointVolumeLogBytes,
        long dirtyLogBytes,
        int maxSegmentBytes) {
    public static final StoreOptions DEFAULT =
            new StoreOptions(128L << 20, 256L << 20, 64L << 20, 128L << 20, 64 << 20);
}
