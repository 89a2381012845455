package io.varve.engine.store;

import io.varve.engine.CompactionCounters;
import io.varve.engine.EngineThreads;
import io.varve.engine.ScrubStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.Disk;
import io.varve.engine.log.ContainerWriter;
import io.varve.engine.meta.PageSpace;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * What the store does unasked: it looks each second whether volumes rest and whether the disk is nearly full, and parks
 * logs, compacts, scrubs, refills the ballast and counts what is shared accordingly. Methods without a note run on the
 * accountant only.
 */
final class Upkeep {
    private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int TICKS_OF_REST = 2;
    private static final int LOOKS_AT_HIDDEN_ROOTS = 60;
    /** The disk is crowded when it has room for fewer segments than this. */
    private static final long CROWDED_SEGMENTS = 4;
    /** On a crowded disk a checkpoint must find room in half the ballast, but is not written for fewer pages. */
    private static final long LEAST_DIRTY_PAGES = 64;

    /** Map pages read by one step of counting what is shared. */
    private static final int SHARING_PAGES = 512;

    private static final int LOOKS_BEFORE_PARKING = 5;
    /** A log with less than this allocated in vain is not worth a new segment at the next write. */
    private static final long LEAST_PARKED_BYTES = 1 << 20;

    private static final long RECYCLED_AT_REST_BYTES = 16 << 20;
    /** At rest the map's file keeps so much that is free, or this part of what is in use. */
    private static final long LEAST_FREE_MAP_BYTES = 2 << 20;

    private static final int FREE_MAP_PART = 4;
    /** At rest checkpoints are written until no more of the map's file waits for them before it can be used again. */
    private static final long MOST_WAITING_MAP_BYTES = 1 << 20;

    /** The part of what is live that recycled files may take while volumes are written. */
    private static final int RECYCLED_PART = 16;
    /** What compaction pauses after each step while volumes are written to. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final AccountantTasks tasks;
    private final Checkpointer checkpointer;
    private final Checkpoints checkpoints;
    private final Reclaimer reclaimer;
    private final Disk disk;
    private final StoreParts parts;
    private final StoreOptions options;
    private final EngineThreads threads;
    private final VolumeLoop timer;
    private final long crowdedBytes;
    private final Compactor compactor;
    private final Sharing sharing;
    private final Scrubber scrubber;

    private long logSeen;
    private long looks;
    private boolean sharingQueued;
    private volatile int ticksOfRest;

    /** @param pressure told when volumes have to wait for compaction */
    Upkeep(
            AccountantTasks tasks,
            Checkpointer checkpointer,
            Checkpoints checkpoints,
            Reclaimer reclaimer,
            Disk disk,
            StoreParts parts,
            StoreOptions options,
            SpacePressure pressure,
            EngineThreads threads,
            VolumeLoop timer) {
        this.tasks = tasks;
        this.checkpointer = checkpointer;
        this.checkpoints = checkpoints;
        this.reclaimer = reclaimer;
        this.disk = disk;
        this.parts = parts;
        this.options = options;
        this.threads = threads;
        this.timer = timer;
        crowdedBytes = CROWDED_SEGMENTS * options.maxSegmentBytes();
        checkpoints.crowdedBelow(crowdedBytes);
        compactor = new Compactor(parts, options, new WritePace(pressure, timer), new CompactorHost());
        sharing = new Sharing(parts);
        scrubber = new Scrubber(parts, options.scrubBytesPerSecond(), new ScrubHost());
        checkpoints.whenWritten(() -> tidy(isResting()));
        tasks.whenCommitted(sharing::changed);
    }

    /** Any thread. */
    ScrubStatus scrub() {
        return scrubber.status();
    }

    /** Any thread. */
    CompactionCounters compaction() {
        return compactor.counters();
    }

    void start() {
        timer.schedule(this::tick, TICK_NANOS);
        scrubber.start();
    }

    /** Ends compaction and scrub; waits for the steps that are being made. */
    void stop() {
        compactor.close();
        scrubber.close();
    }

    /** On the timer's loop. */
    private void tick() {
        if (!tasks.isClosed()) {
            CompletableFuture<Void> unused = tasks.run(this::look);
            timer.schedule(this::tick, TICK_NANOS);
        }
    }

    private boolean isResting() {
        return ticksOfRest >= TICKS_OF_REST;
    }

    /** Looks whether volumes rest: then what died since the last checkpoint is counted, and compaction goes further. */
    private void look() {
        checkpoints.retry();
        long appended = checkpoints.logAppended();
        ticksOfRest = appended == logSeen ? ticksOfRest + 1 : 0;
        logSeen = appended;
        if (ticksOfRest == TICKS_OF_REST || ++looks % LOOKS_AT_HIDDEN_ROOTS == 0) {
            reclaimer.lookAtHiddenRoots();
        }
        reclaimer.goOn();
        boolean parking = park();
        boolean pagesWait = parts.space().quarantinedBytes() > MOST_WAITING_MAP_BYTES;
        if (parking || (isResting() && (checkpoints.isDueAtRest() || pagesWait))) {
            checkpoints.queue();
        }
        checkpoints.queueIfReclaiming();
        tidy(isResting());
        countSharing();
    }

    /** A step of counting; more of them follow as long as volumes rest, with other tasks between them. */
    private void countSharing() {
        if (sharing.step(SHARING_PAGES) && isResting() && !sharingQueued) {
            sharingQueued = true;
            CompletableFuture<Void> unused = tasks.run(() -> {
                sharingQueued = false;
                countSharing();
            });
        }
    }

    /** Has the coming checkpoint end the logs of volumes that were not written for a while; true if there are any. */
    private boolean park() {
        boolean parking = false;
        for (VolumeEntry entry : parts.catalogue().openVolumes()) {
            if (entry.row.isOpenForWriting() && entry.looksAtRest() == LOOKS_BEFORE_PARKING) {
                checkpointer.park(entry, LEAST_PARKED_BYTES);
                parking = true;
            }
        }
        return parking;
    }

    /** Keeps what is dead, or waits for reuse, in proportion to what is live. */
    private void tidy(boolean resting) {
        boolean crowded = lookAtDisk();
        long least = Math.min(RECYCLED_AT_REST_BYTES, 2L * options.maxSegmentBytes());
        long liveBytes = checkpoints.usage().liveBytes();
        long recycled = resting || crowded ? least : Math.max(least, liveBytes / RECYCLED_PART);
        parts.segments().limitRecycled(parts.ballast().isShort() ? 0 : recycled);
        if (resting) {
            PageSpace map = parts.space();
            map.giveBack(Math.max(LEAST_FREE_MAP_BYTES, map.allocatedBytes() / FREE_MAP_PART));
        }
        compactor.consider(resting, crowded);
    }

    /** Takes the ballast back if that is possible; true if the disk is nearly full. */
    private boolean lookAtDisk() {
        Ballast ballast = parts.ballast();
        if (ballast.isShort()) {
            ballast.refill();
        }
        boolean crowded = ballast.isShort() || disk.freeBytes() < crowdedBytes;
        long usual = parts.frames().budgetFrames() / 3;
        long covered = ballast.sizeBytes() / 2 / Checkpointer.MOST_BYTES_PER_PAGE;
        checkpoints.limitDirtyPages(crowded ? Math.min(usual, Math.max(LEAST_DIRTY_PAGES, covered)) : usual);
        return crowded;
    }

    /** Serves the scrub. */
    private final class ScrubHost implements Scrubber.Host {
        @Override
        public void onAccountant(Runnable task, long delayNanos) {
            if (delayNanos == 0) {
                CompletableFuture<Void> unused = tasks.run(task);
            } else if (!tasks.isClosed()) {
                timer.schedule(() -> onAccountant(task, 0), delayNanos);
            }
        }

        @Override
        public void inBackground(Runnable task) {
            threads.background().execute(task);
        }

        @Override
        public long nowMillis() {
            return threads.now().toEpochMilli();
        }
    }

    /** Serves compaction. */
    private final class CompactorHost implements Compactor.Host {
        @Override
        public void onAccountant(Runnable task) {
            CompletableFuture<Void> unused = tasks.run(task);
        }

        @Override
        public void checkpointAfter(long logBytes) {
            checkpoints.limitLog(logBytes);
        }

        @Override
        public long appendedAtCheckpoint() {
            return checkpoints.logAppendedBefore();
        }

        @Override
        public void checkpointWanted() {
            checkpoints.queue();
        }

        @Override
        public boolean isReclaiming() {
            return reclaimer.isBehind();
        }

        @Override
        public long mostContainerBytes() {
            return disk.freeBytes() + parts.ballast().sizeBytes() / 2;
        }

        @Override
        public ContainerWriter newContainer(List<Long> liveBlocks) {
            return parts.ballast().spend(() -> parts.segments().newContainer(liveBlocks));
        }

        @Override
        public void inBackground(Runnable task, boolean urgent) {
            if (urgent || ticksOfRest > 0) {
                threads.background().execute(task);
            } else {
                timer.schedule(() -> threads.background().execute(task), PAUSE_NANOS);
            }
        }
    }
}
