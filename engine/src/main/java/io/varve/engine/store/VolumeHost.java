package io.varve.engine.store;

import io.varve.engine.log.LogPosition;
import io.varve.engine.log.Segment;
import io.varve.engine.qos.Throttle;
import java.util.concurrent.CompletableFuture;

/** What an open volume asks of its store. Called on the volume's loop; never waits. */
interface VolumeHost {
    /**
     * What an opening for writing begins with.
     *
     * @param epoch larger than any before, and durable
     * @param first a fresh segment
     * @param previous where the log ended before
     */
    record LogStart(int epoch, Segment first, LogPosition previous) {}

    /**
     * Makes a new epoch of the volume's log durable and a segment ready.
     *
     * @param framed the segment is for frames
     * @param fromBallast for requests that give space back: a smallest segment, out of the ballast if need be
     */
    CompletableFuture<LogStart> startLog(long capacityBytes, boolean framed, boolean fromBallast);

    /**
     * Makes a segment ready, a smaller one if there is no room for that.
     *
     * @param leastBytes the smallest that is of use
     * @param framed it is for frames
     * @param fromBallast for requests that give space back: a smallest segment, out of the ballast if need be
     */
    CompletableFuture<Segment> prepareSegment(
            long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast);

    /** The log has grown; the store decides when a checkpoint is due. */
    void logGrew(OpenVolume volume, long bytes);

    /** Memory or dirty bytes are short: a checkpoint would help. */
    void checkpointWanted();

    /** True if the last checkpoint could not be written because the disk is full; it is tried again. */
    boolean hasNoRoomForCheckpoint();

    long nanoTime();

    /** What holds the volume to its limits, in this opening and in later ones. */
    Throttle throttle();

    long maxSegmentBytes();

    /** One opening of the volume was given back. Any thread. */
    void released(OpenVolume volume);

    /** The volume's health changed. */
    void statusChanged(OpenVolume volume);
}
