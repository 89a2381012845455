package io.varve.engine.store;

/**
 * What may be written while a run of compaction goes on, given piece by piece as the run goes ahead: who writes faster
 * than compaction can keep up with goes on in small steps beside those of the run, and is not stopped for all of it.
 * Used by one thread at a time, but for {@link #apply}.
 */
final class WriteRoom {
    private static final double AT_ONCE = 0.2;
    private static final double WITH_COPYING = 0.4;
    private static final double BEFORE_SYNC = 0.8;

    private final SpacePressure pressure;
    private final long bytes;
    private final long blocksToCopy;
    private final long appendedBefore;
    private long blocksCopied;
    private volatile double given = AT_ONCE;

    /**
     * @param bytes what may be written until the run's end
     * @param blocksToCopy what the run copies, as far as is known
     */
    WriteRoom(SpacePressure pressure, long bytes, long blocksToCopy) {
        this.pressure = pressure;
        this.bytes = bytes;
        this.blocksToCopy = blocksToCopy;
        this.appendedBefore = pressure.appendedBytes();
    }

    /** What was given so far may be written, and no more. */
    void apply() {
        pressure.allowUntil(appendedBefore + (long) (bytes * given));
    }

    void copied(int blocks) {
        blocksCopied += blocks;
        give(AT_ONCE + WITH_COPYING * Math.min(1, (double) blocksCopied / blocksToCopy));
    }

    /** All is copied. The rest is for the time until the container is synced. */
    void finishing() {
        give(BEFORE_SYNC);
    }

    /** What is left is for the time until the checkpoint that follows, after which all is looked at anew. */
    void finished() {
        give(1);
    }

    private void give(double part) {
        given = Math.max(given, part);
    }
}
