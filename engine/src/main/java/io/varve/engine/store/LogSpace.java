package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.LogWriter;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentCapacity;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The segments that a volume's log goes on in: asks the store for the next one in time, rolls over to it, and starts
 * write-back of what was appended, so that neither a sync nor the kernel meets it all at once. Loop only.
 */
final class LogSpace {
    private static final Logger LOG = LoggerFactory.getLogger(LogSpace.class);
    /** Appended bytes after which write-back of them is started. */
    private static final long WRITE_BACK_STEP_BYTES = 2 << 20;
    /** Syncs within one segment after which the next one is zeroed beforehand. */
    private static final long SYNCS_THAT_WANT_ZEROED = 256;

    /** The volume whose log it is. */
    interface Owner {
        /** Hands what was appended to the kernel, since the log goes on elsewhere; false if the log has failed. */
        boolean writeBatch();

        /** There is room again for requests that are held for it. */
        void spaceCame();

        /** There is none, and the requests that are held for it get this answer. */
        void noSpace(IoStatus answer);

        /** There is none for data: answers ENOSPC to requests that bring some; true if others wait. */
        boolean noSpaceForData();

        /** The log cannot go on (law 5). */
        void logFailed(DiskException cause);
    }

    private final String name;
    private final VolumeLoop loop;
    private final VolumeHost host;
    private final VolumeCounters counters;
    private final LogWriter log;
    private final ByteBudget dirty;
    private final Owner owner;
    private boolean logStarting;
    private boolean segmentComing;
    /** The segment being written came out of the ballast: for records without data. */
    private boolean currentFromBallast;

    private boolean nextFromBallast;
    private boolean refused;
    private long writeBackFrom;
    private long unsentDirtyBytes;
    private long syncsAtSegmentStart;

    LogSpace(
            String name,
            VolumeLoop loop,
            VolumeHost host,
            VolumeCounters counters,
            LogWriter log,
            ByteBudget dirty,
            Owner owner) {
        this.name = name;
        this.loop = loop;
        this.host = host;
        this.counters = counters;
        this.log = log;
        this.dirty = dirty;
        this.owner = owner;
    }

    /**
     * Begins the log of this opening, if that is not under way.
     *
     * @param wantedBytes the request that it is begun for
     * @param empty true if the volume holds no data yet, or rested, and may stay small
     */
    void start(long wantedBytes, boolean empty) {
        if (!logStarting) {
            logStarting = true;
            start(firstCapacity(wantedBytes, empty), empty, false);
        }
    }

    private void start(long capacity, boolean empty, boolean fromBallast) {
        host.startLog(capacity, log.isFramed(), fromBallast)
                .whenComplete((begun, failure) -> loop.execute(() -> {
                    if (begun != null) {
                        logStarting = false;
                        logStarted(begun, fromBallast);
                    } else if (triesBallast("begin the log", failure, fromBallast)) {
                        start(capacity, empty, true);
                    } else {
                        logStarting = false;
                        owner.noSpace(answerTo(failure));
                    }
                }));
    }

    /** Nothing was made ready: true if there are requests for which the ballast is there, and it was not tried yet. */
    private boolean triesBallast(String what, @Nullable Throwable failure, boolean fromBallast) {
        if (!refused) {
            refused = true;
            LOG.warn("{}: cannot {}: {}", name, what, String.valueOf(failure));
        }
        return answerTo(failure) == IoStatus.ENOSPC && !fromBallast && owner.noSpaceForData();
    }

    private long firstCapacity(long wantedBytes, boolean empty) {
        long capacity = SegmentCapacity.next(0, host.maxSegmentBytes());
        boolean small = wantedBytes < capacity / 2 && empty;
        return small ? capacity : SegmentCapacity.next(capacity, host.maxSegmentBytes());
    }

    private void logStarted(VolumeHost.LogStart begun, boolean fromBallast) {
        refused = false;
        currentFromBallast = fromBallast;
        try {
            log.begin(begun.epoch(), begun.first(), begun.previous());
        } catch (DiskException e) {
            owner.logFailed(e);
            return;
        }
        beginSegment();
        owner.spaceCame();
    }

    /**
     * True when a record of {@code payloadBytes} can be appended, after {@link #roll}. What the ballast gave is not for
     * data.
     */
    boolean hasRoom(int payloadBytes) {
        if (payloadBytes < BlockStore.BLOCK_BYTES) {
            return log.hasRoom(payloadBytes);
        }
        boolean next = log.nextHolds(payloadBytes) && !nextFromBallast;
        return next || (!currentFromBallast && log.hasRoomHere(payloadBytes));
    }

    /** Rolls over to the next segment if a record of {@code payloadBytes} needs it; false if the log has failed. */
    boolean roll(int payloadBytes) {
        if (!log.wouldRoll(payloadBytes)) {
            return true;
        }
        Segment before = log.currentSegment();
        if (!owner.writeBatch()) {
            return false;
        }
        long endBefore = log.currentOffset();
        try {
            log.makeRoom(payloadBytes);
        } catch (DiskException e) {
            owner.logFailed(e);
            return false;
        }
        writeBack(before, endBefore);
        currentFromBallast = nextFromBallast;
        beginSegment();
        return true;
    }

    private void beginSegment() {
        writeBackFrom = 0;
        syncsAtSegmentStart = counters.logSyncs.get();
    }

    /** True while a segment is being made ready. */
    boolean isPreparing() {
        return logStarting || segmentComing;
    }

    /** Asks for a next segment that can hold a record of {@code payloadBytes}, if none is under way. */
    void prepareNext(int payloadBytes) {
        if (segmentComing) {
            return;
        }
        segmentComing = true;
        long capacity = log.nextCapacity(host.maxSegmentBytes());
        boolean zeroed = counters.logSyncs.get() - syncsAtSegmentStart > SYNCS_THAT_WANT_ZEROED;
        long least = SegmentCapacity.of(log.segmentBytesFor(payloadBytes), host.maxSegmentBytes());
        prepare(Math.max(capacity, least), least, zeroed, false);
    }

    private void prepare(long capacity, long least, boolean zeroed, boolean fromBallast) {
        host.prepareSegment(capacity, least, zeroed, log.isFramed(), fromBallast)
                .whenComplete((segment, failure) -> loop.execute(() -> {
                    if (segment != null) {
                        segmentComing = false;
                        refused = false;
                        nextFromBallast = fromBallast;
                        log.provideNext(segment);
                        owner.spaceCame();
                    } else if (triesBallast("prepare a segment to go on in", failure, fromBallast)) {
                        prepare(capacity, least, false, true);
                    } else {
                        segmentComing = false;
                        host.checkpointWanted();
                        owner.noSpace(answerTo(failure));
                    }
                }));
    }

    private static IoStatus answerTo(@Nullable Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        StoreException.Kind kind = cause instanceof StoreException known ? known.kind() : StoreException.Kind.IO;
        return switch (kind) {
            case NO_SPACE -> IoStatus.ENOSPC;
            case CLOSED -> IoStatus.ESHUTDOWN;
            default -> IoStatus.EIO;
        };
    }

    /** A batch of {@code bytes} has gone to the kernel. */
    void appended(long bytes) {
        dirty.add(bytes);
        unsentDirtyBytes += bytes;
        if (log.currentOffset() - writeBackFrom >= WRITE_BACK_STEP_BYTES) {
            writeBack(log.currentSegment(), log.currentOffset());
        }
        if (log.wantsNext()) {
            prepareNext(0);
        }
    }

    private void writeBack(Segment segment, long end) {
        long bytes = takeDirtyBytes();
        long from = writeBackFrom;
        writeBackFrom = end;
        segment.file().writeBackAsync(from, end - from, Runnable::run, failure -> dirty.subtract(bytes));
    }

    /** A sync follows of all that was appended: the bytes that count as dirty until then. */
    long takeForSync() {
        writeBackFrom = log.currentOffset();
        return takeDirtyBytes();
    }

    private long takeDirtyBytes() {
        long bytes = unsentDirtyBytes;
        unsentDirtyBytes = 0;
        return bytes;
    }
}
