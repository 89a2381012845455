package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.ReadReport;
import io.varve.engine.VolumeCounters.Operation;
import io.varve.engine.log.SnapshotPayload;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** One block request on its way through an open volume. Recycled; loop only. */
final class Request {
    /** What is asked for. */
    enum Kind {
        READ(Operation.READ),
        WRITE(Operation.WRITE),
        FLUSH(Operation.FLUSH),
        TRIM(Operation.TRIM),
        WRITE_ZEROES(Operation.WRITE_ZEROES),
        SNAPSHOT(Operation.FLUSH);

        final Operation operation;

        Kind(Operation operation) {
            this.operation = operation;
        }
    }

    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;
    private static final ByteBuffer NO_BUFFER = ByteBuffer.allocateDirect(0);
    private static final Completion NO_COMPLETION = status -> {};

    Kind kind = Kind.FLUSH;
    long offset;
    long length;
    ByteBuffer buffer = NO_BUFFER;
    boolean fua;
    boolean noHole;
    Completion completion = NO_COMPLETION;
    long startNanos;
    boolean internal;

    /** Told of holes and of where a read failed; null if nobody asked. */
    @Nullable
    ReadReport report;

    @Nullable
    SnapshotPayload snapshot;

    /** Told how many blocks with data the snapshot reads. */
    @Nullable
    LongConsumer snapshotUsed;

    /** In the list of held requests. */
    boolean held;
    /** Held behind an earlier request that touches the same blocks. */
    boolean behind;
    /** Held for a map page or the rest of a partial block, which will resume it. */
    boolean waitingForIo;
    /** Being started at the moment. */
    boolean starting;
    /** Counts the uses of this object, so that a caller sees that the use it began is over. */
    int use;
    /** Next byte, relative to the offset, that is still to be read or appended. */
    long progress;
    /** Asynchronous reads not finished yet. */
    int readsInFlight;
    /** All reads were begun. */
    boolean readsBegun;

    @Nullable
    ByteBuffer headEdge;

    @Nullable
    ByteBuffer tailEdge;

    IoStatus status = IoStatus.OK;

    void reset() {
        buffer = NO_BUFFER;
        completion = NO_COMPLETION;
        report = null;
        snapshot = null;
        snapshotUsed = null;
        fua = false;
        noHole = false;
        internal = false;
        held = false;
        behind = false;
        waitingForIo = false;
        starting = false;
        use++;
        progress = 0;
        readsInFlight = 0;
        readsBegun = false;
        headEdge = null;
        tailEdge = null;
        status = IoStatus.OK;
    }

    /** The first block touched. */
    long firstBlock() {
        return offset / BLOCK_BYTES;
    }

    /** The first block behind those touched. */
    long endBlock() {
        return (offset + length + BLOCK_BYTES - 1) / BLOCK_BYTES;
    }

    boolean overlaps(Request other) {
        return firstBlock() < other.endBlock() && other.firstBlock() < endBlock();
    }

    /** True for trims, and for zeroes that need no data to be written. */
    boolean onlyGivesSpaceBack() {
        return kind == Kind.TRIM || (kind == Kind.WRITE_ZEROES && !headIsPartial() && !tailIsPartial());
    }

    boolean headIsPartial() {
        return offset % BLOCK_BYTES != 0 || (length < BLOCK_BYTES && endBlock() - firstBlock() == 1);
    }

    boolean tailIsPartial() {
        return (offset + length) % BLOCK_BYTES != 0 && endBlock() - firstBlock() > 1;
    }
}
