package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.StoreUsage;
import io.varve.engine.io.Disk;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When checkpoints are written: after so much log, when much of the map's memory is dirty, while deletions wait for them,
 * and when somebody asks. What one is, {@link Checkpointer} knows. Methods without a note run on the accountant only.
 */
final class Checkpoints {
    private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);

    private final AccountantTasks tasks;
    private final Disk disk;
    private final StoreParts parts;
    private final Catalogue catalogue;
    private final Checkpointer checkpointer;
    private volatile long crowdedBytes;
    private final long leastLogBytes;
    private final long mostLogBytes;
    private final AtomicBoolean queued = new AtomicBoolean();
    /** The last one could not be written: none is queued before {@link #retry}. */
    private volatile boolean failed;
    /** It failed because the disk is full. */
    private volatile boolean noRoom;
    /** A failure was logged, and none has been written since. */
    private volatile boolean complained;

    private final AtomicLong logSinceLast = new AtomicLong();
    private final AtomicLong logAppended = new AtomicLong();
    private long logAppendedBefore;
    private volatile long limitLogBytes;
    private volatile long limitDirtyPages;
    private volatile StoreUsage usage = new StoreUsage(0, 0, 0, 0, 0, 0);
    private Runnable whenWritten = () -> {};

    Checkpoints(AccountantTasks tasks, Disk disk, StoreParts parts, Checkpointer checkpointer, StoreOptions options) {
        this.tasks = tasks;
        this.disk = disk;
        this.parts = parts;
        this.catalogue = parts.catalogue();
        this.checkpointer = checkpointer;
        this.mostLogBytes = options.checkpointLogBytes();
        this.leastLogBytes = Math.min(mostLogBytes, options.maxSegmentBytes());
        this.limitLogBytes = mostLogBytes;
        this.limitDirtyPages = parts.frames().budgetFrames() / 3;
    }

    /** Has {@code task} run after each checkpoint. Before the first one. */
    void whenWritten(Runnable task) {
        whenWritten = task;
    }

    // ---- any thread ----

    /** A volume's log has grown. */
    void logGrew(VolumeEntry entry, long bytes) {
        checkpointer.touched(entry);
        logAppended.addAndGet(bytes);
        if (logSinceLast.addAndGet(bytes) >= limitLogBytes || parts.frames().freshFrames() > limitDirtyPages) {
            queue();
        }
    }

    /** Log bytes of all volumes since the store was opened. */
    long logAppended() {
        return logAppended.get();
    }

    /** A log goes on in another segment. On a disk that is nearly full what has died is counted, and comes back, at once. */
    void segmentTaken() {
        if (disk.freeBytes() < crowdedBytes) {
            queue();
        }
    }

    /** The disk counts as nearly full with fewer bytes free. */
    void crowdedBelow(long freeBytes) {
        crowdedBytes = freeBytes;
    }

    /** True if something was logged since the last checkpoint. */
    boolean isDueAtRest() {
        return logSinceLast.get() > 0;
    }

    /** Has a checkpoint written soon; if the last one could not be, when {@link #retry} says so. */
    void queue() {
        if (!failed && queued.compareAndSet(false, true)) {
            CompletableFuture<Void> done = tasks.run(this::run);
            done.whenComplete((nothing, problem) -> {
                if (problem != null && !tasks.isClosed()) {
                    complain(problem);
                    failed = true;
                    noRoom = problem instanceof StoreException cause && cause.kind() == StoreException.Kind.NO_SPACE;
                    parts.frames().checkpointOver();
                }
            });
        }
    }

    /** Once, however often it is tried again. */
    private void complain(Throwable problem) {
        if (!complained) {
            complained = true;
            LOG.warn("no checkpoint, tried again each second: {}", problem.toString());
        }
    }

    /** Tries again what could not be written: whoever asked for it may have nothing to do meanwhile but wait. */
    void retry() {
        if (failed) {
            failed = false;
            queue();
        }
    }

    /** True if the last one could not be written because the disk is full. */
    boolean hasNoRoom() {
        return noRoom;
    }

    /** As of the last checkpoint. */
    StoreUsage usage() {
        return usage;
    }

    // ---- accountant ----

    /** Writes a checkpoint of everything. */
    void run() {
        queued.set(false);
        checkpointer.reserveFromBallast();
        logSinceLast.set(0);
        long appended = logAppended.get();
        tasks.commit(checkpointer::run);
        logAppendedBefore = appended;
        failed = false;
        noRoom = false;
        if (complained) {
            complained = false;
            LOG.info("checkpoints are written again");
        }
        parts.frames().checkpointOver();
        refreshUsage();
        queueIfReclaiming();
        whenWritten.run();
    }

    void commitTables() {
        tasks.commit(checkpointer::commitTables);
    }

    void queueIfReclaiming() {
        if (checkpointer.hasMoreToReclaim()) {
            queue();
        }
    }

    /** What had been appended to all logs when the last checkpoint began. */
    long logAppendedBefore() {
        return logAppendedBefore;
    }

    /** Log bytes after which a checkpoint is due; not below a segment, nor above what the options say. */
    void limitLog(long bytes) {
        limitLogBytes = Math.min(mostLogBytes, Math.max(leastLogBytes, bytes));
    }

    /** Dirty map pages of all volumes after which a checkpoint is due. */
    void limitDirtyPages(long pages) {
        limitDirtyPages = pages;
    }

    void refreshUsage() {
        long live = parts.segments().liveBlocks() * BlockStore.BLOCK_BYTES;
        usage = new StoreUsage(
                live,
                parts.segments().capacityBytes() - parts.segments().storedBytes(),
                parts.segments().recyclableBytes(),
                parts.space().allocatedBytes(),
                parts.ballast().sizeBytes(),
                disk.freeBytes());
    }

    /** The row of a snapshot; writes a checkpoint if it stands only in its volume's log so far. */
    SnapshotRow rowOf(SnapshotId id) {
        SnapshotEntry entry = catalogue.get(id);
        if (entry.row == null) {
            run();
        }
        SnapshotRow row = entry.row;
        if (row == null) {
            throw new StoreException(
                    StoreException.Kind.IO, "the log of the volume of snapshot " + id + " has failed; restart first");
        }
        return row;
    }
}
