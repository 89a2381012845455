package io.varve.engine;

/**
 * What a read tells besides its bytes: which whole blocks are holes, so that nobody has to carry their zeroes, and
 * where it failed. Used again and again; belongs to the engine until the completion.
 */
public final class ReadReport {
    private static final long NOWHERE = -1;

    private final Extents extents = new Extents();
    private long failedOffset = NOWHERE;

    /** Forgets the last read. */
    public void clear() {
        extents.clear();
        failedOffset = NOWHERE;
    }

    /**
     * After a read that succeeded: its range, cut into {@link Extents#DATA} and {@link Extents#HOLE}. The destination
     * was left alone where there is a hole.
     */
    public Extents extents() {
        return extents;
    }

    /** Notes a byte of the volume that could not be read. */
    public void failedAt(long offset) {
        if (failedOffset == NOWHERE || offset < failedOffset) {
            failedOffset = offset;
        }
    }

    /** True if it is known where the read failed. */
    public boolean hasFailedOffset() {
        return failedOffset != NOWHERE;
    }

    /** The first byte of the volume that could not be read. */
    public long failedOffset() {
        return failedOffset;
    }
}
