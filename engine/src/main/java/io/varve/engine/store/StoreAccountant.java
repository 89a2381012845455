package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.CompactionCounters;
import io.varve.engine.Compression;
import io.varve.engine.EngineThreads;
import io.varve.engine.ExtentSource;
import io.varve.engine.ScrubStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.StoreUsage;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeLoop;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.ContainerWriter;
import io.varve.engine.log.FrameMemory;
import io.varve.engine.log.LogPosition;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentDescriptor;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.map.Floors;
import io.varve.engine.map.MapRoot;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.Table;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that changes the store as a whole, one task after the other: creating, opening and deleting, and checkpoints. The
 * data path never waits for it, except for a volume's first write. Methods without a note run on the accountant only.
 */
final class StoreAccountant {
    private static final Logger LOG = LoggerFactory.getLogger(StoreAccountant.class);
    private static final int MAX_IDLE_VOLUMES = 256;
    private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int TICKS_OF_REST = 2;
    private static final int LOOKS_AT_HIDDEN_ROOTS = 60;
    /** The disk is crowded when it has room for fewer segments than this. */
    private static final long CROWDED_SEGMENTS = 4;
    /** On a crowded disk a checkpoint must find room in half the ballast, but is not written for fewer pages. */
    private static final long LEAST_DIRTY_PAGES = 64;

    /** What the control plane gets at a time. */
    private static final long YIELDED_BYTES = 1 << 20;

    /** Map pages read by one step of counting what is shared. */
    private static final int SHARING_PAGES = 512;

    /** Compressed frames that wait to be written, of all volumes. */
    private static final long FRAME_MEMORY_BYTES = 16 << 20;

    private static final int LOOKS_BEFORE_PARKING = 5;
    /** A log with less than this allocated in vain is not worth a new segment at the next write. */
    private static final long LEAST_PARKED_BYTES = 1 << 20;

    private static final long RECYCLED_AT_REST_BYTES = 16 << 20;
    /** The part of what is live that recycled files may take while volumes are written. */
    private static final int RECYCLED_PART = 16;
    /** What compaction pauses after each step while volumes are written to. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final long RECLAIM_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Disk disk;
    private final StoreParts parts;
    private final StoreOptions options;
    private final EngineThreads threads;
    private final Catalogue catalogue;
    private final Checkpointer checkpointer;
    private final Reclaimer reclaimer;
    private final DirtyBudget dirty;
    private final SpacePressure pressure = new SpacePressure();
    private final OpenVolume.Shared shared;
    private final Baselines baselines;
    private final AtomicLong logSinceCheckpoint = new AtomicLong();
    private final Compactor compactor;
    private final Sharing sharing;
    private final Scrubber scrubber;
    private final VolumeLoop timer;
    private final AtomicLong logAppended = new AtomicLong();
    private final AtomicBoolean checkpointQueued = new AtomicBoolean();
    private final Queue<Deletion> deletions = new ConcurrentLinkedQueue<>();
    private boolean reclaimScheduled;
    /** Open volumes that nobody holds, the longest idle first. */
    private final Set<VolumeEntry> idle = new LinkedHashSet<>();

    private long logSeen;
    private boolean sharingQueued;
    /** Dirty map pages of a volume after which a checkpoint is written. */
    private volatile long dirtyPagesLimit;

    private long looks;
    private volatile int ticksOfRest;
    private volatile StoreUsage usage = new StoreUsage(0, 0, 0, 0, 0, 0);
    private volatile boolean closed;
    private boolean closing;
    private volatile @Nullable StoreException failure;

    StoreAccountant(Disk disk, StoreParts parts, Table subtrees, StoreOptions options, EngineThreads threads) {
        this.disk = disk;
        this.parts = parts;
        this.options = options;
        this.threads = threads;
        catalogue = parts.catalogue();
        dirty = new DirtyBudget(options.dirtyLogBytes());
        reclaimer = new Reclaimer(parts, subtrees);
        checkpointer = new Checkpointer(parts, threads, reclaimer, dirty);
        shared = new OpenVolume.Shared(
                parts.frames(), parts.pages(), parts.segments(), dirty, new FrameMemory(FRAME_MEMORY_BYTES), pressure);
        baselines = new Baselines(parts.frames(), parts.pages(), this::run);
        compactor = new Compactor(parts, options, pressure, new CompactorHost());
        sharing = new Sharing(parts);
        scrubber = new Scrubber(parts, options.scrubBytesPerSecond(), new ScrubHost());
        timer = threads.nextLoop();
        dirtyPagesLimit = parts.frames().budgetFrames() / 3;
    }

    Catalogue catalogue() {
        return catalogue;
    }

    /** Any thread. */
    long takeNumber() {
        return checkpointer.takeNumber();
    }

    /** Any thread. */
    StoreUsage usage() {
        return usage;
    }

    /** Any thread. */
    ScrubStatus scrub() {
        return scrubber.status();
    }

    /** Any thread. */
    CompactionCounters compaction() {
        return compactor.counters();
    }

    /** Any thread. */
    CompletableFuture<Boolean> yieldReserve() {
        CompletableFuture<Boolean> given = new CompletableFuture<>();
        threads.background().execute(() -> {
            try {
                given.complete(parts.ballast().giveUp(YIELDED_BYTES));
            } catch (RuntimeException e) {
                given.completeExceptionally(translate(e));
            }
        });
        return given;
    }

    MapTraffic mapTraffic() {
        return new MapTraffic(parts.pages().pagesRead(), parts.writer().pagesWritten());
    }

    int largestReclaimStepPages() {
        return reclaimer.largestStepPages();
    }

    /** Recovers every volume that was open for writing when the store was last in use. */
    void recover() {
        List<VolumeEntry> wereOpen = new ArrayList<>();
        Map<Long, Integer> newestEpochs = parts.segments().unknownEpochs();
        for (VolumeEntry entry : catalogue.everyVolume()) {
            if (entry.row.isDamaged()) {
                entry.status = new VolumeStatus(
                        VolumeStatus.Health.READ_ONLY, "an earlier recovery found records of its log missing");
            }
            // The superblock at hand may be the older one and not know that the log was begun anew.
            boolean wasOpened =
                    entry.row.isOpenForWriting() || newestEpochs.getOrDefault(entry.number, 0) > entry.row.epoch();
            if (entry.row.isLive() && wasOpened) {
                wereOpen.add(entry);
            }
        }
        recover(wereOpen);
        catalogue.settleGroups();
        if (wereOpen.stream().noneMatch(entry -> entry.status.health() == VolumeStatus.Health.FAILED)) {
            parts.segments().deleteStrayFiles();
        }
        checkpointer.commitTables();
        refreshUsage();
        queueCheckpointIfReclaiming();
        timer.schedule(this::tick, TICK_NANOS);
        scrubber.start();
    }

    private void recover(List<VolumeEntry> entries) {
        Recovery.recover(parts, checkpointer, this::guarded, entries);
    }

    // ---- rest ----

    /** On the timer's loop. */
    private void tick() {
        if (!closed) {
            CompletableFuture<Void> unused = run(this::look);
            timer.schedule(this::tick, TICK_NANOS);
        }
    }

    /** Looks whether volumes rest: then what died since the last checkpoint is counted, and compaction goes further. */
    private void look() {
        long appended = logAppended.get();
        ticksOfRest = appended == logSeen ? ticksOfRest + 1 : 0;
        logSeen = appended;
        boolean resting = ticksOfRest >= TICKS_OF_REST;
        if (ticksOfRest == TICKS_OF_REST || ++looks % LOOKS_AT_HIDDEN_ROOTS == 0) {
            reclaimer.lookAtHiddenRoots();
        }
        reclaimer.goOn();
        boolean parking = park();
        if (parking || (resting && logSinceCheckpoint.get() > 0) || checkpointer.hasMoreToReclaim()) {
            queueCheckpoint();
        }
        tidy(resting);
        countSharing();
    }

    /** A step of counting; more of them follow as long as volumes rest, with other tasks between them. */
    private void countSharing() {
        if (sharing.step(SHARING_PAGES) && ticksOfRest >= TICKS_OF_REST && !sharingQueued) {
            sharingQueued = true;
            CompletableFuture<Void> unused = run(() -> {
                sharingQueued = false;
                countSharing();
            });
        }
    }

    /** Has the coming checkpoint end the logs of volumes that were not written for a while; true if there are any. */
    private boolean park() {
        boolean parking = false;
        for (VolumeEntry entry : catalogue.openVolumes()) {
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
        long recycled = resting || crowded ? least : Math.max(least, usage.liveBytes() / RECYCLED_PART);
        parts.segments().limitRecycled(parts.ballast().isShort() ? 0 : recycled);
        compactor.consider(resting || crowded);
    }

    /** Takes the ballast back if that is possible; true if the disk is nearly full. */
    private boolean lookAtDisk() {
        Ballast ballast = parts.ballast();
        if (ballast.isShort()) {
            ballast.refill();
        }
        boolean crowded = ballast.isShort() || disk.freeBytes() < CROWDED_SEGMENTS * options.maxSegmentBytes();
        long usual = parts.frames().budgetFrames() / 3;
        long covered = ballast.sizeBytes() / 2 / Checkpointer.MOST_BYTES_PER_PAGE;
        dirtyPagesLimit = crowded ? Math.min(usual, Math.max(LEAST_DIRTY_PAGES, covered)) : usual;
        return crowded;
    }

    // ---- tasks ----

    /** Runs {@code task} as a task of the accountant. Any thread. */
    <T, R extends T> CompletableFuture<T> call(Supplier<R> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        threads.accountant().execute(() -> {
            try {
                checkUsable();
                result.complete(task.get());
            } catch (RuntimeException e) {
                result.completeExceptionally(translate(e));
            } catch (Error e) {
                result.completeExceptionally(translate(e)); // nobody may wait for ever
                throw e;
            }
        });
        return result;
    }

    /** Runs {@code task} as a task of the accountant. Any thread. */
    CompletableFuture<Void> run(Runnable task) {
        return call(() -> {
            task.run();
            return null;
        });
    }

    private void checkUsable() {
        StoreException cause = failure;
        if (closed) {
            throw new StoreException(StoreException.Kind.CLOSED, "the store is closed");
        }
        if (cause != null) {
            throw cause;
        }
    }

    static StoreException translate(Throwable e) {
        if (e instanceof StoreException known) {
            return known;
        }
        if (e instanceof DiskException disk) {
            StoreException.Kind kind = switch (disk.kind()) {
                case NO_SPACE -> StoreException.Kind.NO_SPACE;
                case ACCESS -> StoreException.Kind.ACCESS_DENIED;
                default -> StoreException.Kind.IO;
            };
            return new StoreException(kind, String.valueOf(e.getMessage()), e);
        }
        LOG.error("unexpected failure", e);
        return new StoreException(StoreException.Kind.IO, "unexpected: " + e, e);
    }

    static <T> T join(CompletableFuture<T> future, EngineThreads threads) {
        try {
            return threads.await(future);
        } catch (CompletionException e) {
            if (e.getCause() instanceof StoreException known) {
                throw known;
            }
            throw e;
        }
    }

    // ---- volumes ----

    VolumeRecord createVolume(VolumeId id, long sizeBytes, Optional<SnapshotId> from, Compression compression) {
        if (catalogue.find(id) != null) {
            throw new StoreException(StoreException.Kind.ALREADY_EXISTS, "there is a volume " + id + " already");
        }
        checkSize(sizeBytes, BlockStore.MIN_VOLUME_BYTES);
        checkpointer.reserve();
        SnapshotRow origin = from.map(this::rowOf).orElse(null);
        VolumeRow row;
        if (origin != null) {
            checkSize(sizeBytes, origin.sizeBytes());
            row = catalogue.newVolumeRow();
            long base = parts.segments().floorOfNewSegments();
            row.setOrigin(origin.number(), base, origin.birth());
            row.setRoot(origin.root().pointer(), origin.root().check(), origin.birth() + 1);
            row.setUsedBlocks(origin.usedBlocks());
        } else {
            row = catalogue.newVolumeRow();
            row.setRoot(MapRoot.EMPTY.pointer(), 0, 1);
        }
        row.setIdentity(id, takeNumber(), threads.now().toEpochMilli());
        row.setSizeBytes(sizeBytes);
        row.setPosition(LogPosition.START);
        setCompression(row, compression);
        commitTables();
        return catalogue.addVolume(row).record();
    }

    private static void checkSize(long sizeBytes, long least) {
        if (sizeBytes < least || sizeBytes > BlockStore.MAX_VOLUME_BYTES || sizeBytes % BlockStore.BLOCK_BYTES != 0) {
            throw new StoreException(
                    StoreException.Kind.INVALID,
                    "a size of " + sizeBytes + " bytes is not possible: it must be a multiple of "
                            + BlockStore.BLOCK_BYTES + " from " + least + " to " + BlockStore.MAX_VOLUME_BYTES);
        }
    }

    private void setCompression(VolumeRow row, Compression compression) {
        row.setCompression(compression);
        if (compression == Compression.LZ4) {
            parts.superblock().requireFeature(Superblock.FEATURE_FRAMES);
        }
    }

    VolumeRecord setCompression(VolumeId id, Compression compression) {
        VolumeEntry entry = catalogue.get(id);
        checkpointer.reserve();
        setCompression(entry.row, compression);
        commitTables();
        entry.compression = compression;
        OpenVolume open = entry.open;
        if (open != null) {
            open.onLoop(opened -> opened.compress(compression));
        }
        return entry.record();
    }

    VolumeRecord extendVolume(VolumeId id, long sizeBytes) {
        VolumeEntry entry = catalogue.get(id);
        checkSize(sizeBytes, entry.sizeBytes);
        checkpointer.reserve();
        entry.row.setSizeBytes(sizeBytes);
        commitTables();
        entry.sizeBytes = sizeBytes;
        OpenVolume open = entry.open;
        if (open != null) {
            open.extend(sizeBytes);
        }
        return entry.record();
    }

    void deleteVolume(VolumeId id) {
        VolumeEntry entry = catalogue.get(id);
        if (entry.holders.get() > 0 || isBusy(entry.open)) {
            throw new StoreException(StoreException.Kind.IN_USE, "volume " + id + " is open");
        }
        checkpointer.reserveFromBallast();
        closeVolume(entry);
        if (hasSnapshotsInItsLogOnly(entry) || entry.row.isOpenForWriting()) {
            recover(List.of(entry)); // its log may hold snapshots that nothing else knows of
            catalogue.settleGroups();
            if (hasSnapshotsInItsLogOnly(entry)) {
                throw new StoreException(
                        StoreException.Kind.IO,
                        "volume " + id + " holds snapshots in its log, which " + entry.status.detail());
            }
        }
        reclaimer.addDeleted(entry.row);
        parts.segments().sealAll(entry.number);
        catalogue.removeVolume(entry);
        commitTables();
        reclaimer.lookAtHiddenRoots();
        queueCheckpointIfReclaiming();
    }

    /** True after a failure of the log: the checkpoint of closing, which gives snapshots their rows, was left out. */
    private static boolean hasSnapshotsInItsLogOnly(VolumeEntry entry) {
        return entry.snapshotsInLogOnly.get() > 0;
    }

    private void checkNotClosing() {
        if (closing) {
            throw new StoreException(StoreException.Kind.CLOSED, "the store is closing");
        }
    }

    OpenVolume openVolume(VolumeId id) {
        checkNotClosing();
        VolumeEntry entry = catalogue.get(id);
        closeIfFailed(entry);
        OpenVolume open = entry.open;
        if (open == null) {
            closeIdleVolumes();
            if (entry.row.isOpenForWriting()) {
                recover(List.of(entry));
                catalogue.settleGroups();
            }
            if (entry.status.health() == VolumeStatus.Health.FAILED) {
                throw new StoreException(StoreException.Kind.IO, "volume " + id + " " + entry.status.detail());
            }
            open = open(entry);
        }
        entry.holders.incrementAndGet();
        idle.remove(entry);
        return open;
    }

    private OpenVolume open(VolumeEntry entry) {
        VolumeRow row = entry.row;
        OpenVolume.Start start = new OpenVolume.Start(
                entry.key(),
                entry.sizeBytes,
                row.isDamaged(),
                row.root(),
                row.generation(),
                catalogue.floors(entry.number),
                row.usedBlocks(),
                row.compression(),
                entry.status);
        OpenVolume volume = new OpenVolume(start, shared, threads.nextLoop(), new Host(entry), entry.counters);
        volume.onLoop(opened -> opened.limit(entry.limits));
        catalogue.opened(entry, volume);
        return volume;
    }

    private void closeIdleVolumes() {
        if (idle.size() >= MAX_IDLE_VOLUMES) {
            checkpointer.reserveFromBallast();
            closeVolumes(idle.stream().filter(entry -> !isBusy(entry.open)).toList());
        }
    }

    /** A volume whose log has failed is closed when nobody needs it any more, so that its next opening recovers it. */
    private void closeIfFailed(VolumeEntry entry) {
        OpenVolume open = entry.open;
        boolean failed = open != null && open.status().health() == VolumeStatus.Health.FAILED;
        if (failed && entry.holders.get() == 0 && !isBusy(open)) {
            checkpointer.reserveFromBallast();
            closeVolume(entry);
        }
    }

    private void closeVolume(VolumeEntry entry) {
        if (entry.open != null) {
            closeVolumes(List.of(entry));
        }
    }

    /** Closes volumes that nobody holds; what they have not checkpointed yet is, unless their log has failed. */
    private void closeVolumes(List<VolumeEntry> entries) {
        entries.forEach(entry -> {
            quiesce(entry.open);
            checkpointer.park(entry, 0);
        });
        guarded(checkpointer::run);
        for (VolumeEntry entry : entries) {
            OpenVolume volume = entry.open;
            if (volume != null) {
                closeOnLoop(volume);
                catalogue.closed(entry);
                entry.status = volume.status();
                markClosed(entry, volume);
            }
            idle.remove(entry);
        }
    }

    /** The volume's last checkpoint holds everything, unless its log has failed. */
    private void markClosed(VolumeEntry entry, OpenVolume volume) {
        if (volume.status().health() != VolumeStatus.Health.FAILED) {
            entry.row.setOpenForWriting(false);
            parts.segments().sealAll(entry.number);
        }
    }

    private void quiesce(@Nullable OpenVolume volume) {
        threads.await(beginQuiesce(volume));
    }

    private static CompletableFuture<Boolean> beginQuiesce(@Nullable OpenVolume volume) {
        if (volume == null) {
            return CompletableFuture.completedFuture(true);
        }
        CompletableFuture<Boolean> idle = new CompletableFuture<>();
        volume.onLoop(opened -> opened.quiesce(() -> idle.complete(true)));
        return idle;
    }

    /** True while requests are under way that somebody has left behind: they may need the accountant to be answered. */
    private boolean isBusy(@Nullable OpenVolume volume) {
        if (volume == null) {
            return false;
        }
        CompletableFuture<Boolean> busy = new CompletableFuture<>();
        volume.onLoop(opened -> busy.complete(opened.isBusy()));
        return threads.await(busy);
    }

    // ---- snapshots ----

    /** The row of a snapshot; writes a checkpoint if it stands only in its volume's log so far. */
    private SnapshotRow rowOf(SnapshotId id) {
        SnapshotEntry entry = catalogue.get(id);
        if (entry.row == null) {
            checkpoint();
        }
        SnapshotRow row = entry.row;
        if (row == null) {
            throw new StoreException(
                    StoreException.Kind.IO, "the log of the volume of snapshot " + id + " has failed; restart first");
        }
        return row;
    }

    /** A snapshot whose deletion was asked for. */
    private record Deletion(SnapshotId id, CompletableFuture<Void> done) {}

    /** Deletes a snapshot; those that are asked for while the accountant is busy share a commit. Any thread. */
    CompletableFuture<Void> deleteSnapshot(SnapshotId id) {
        Deletion deletion = new Deletion(id, new CompletableFuture<>());
        deletions.add(deletion);
        CompletableFuture<Void> unused = run(this::deleteSnapshots).whenComplete((nothing, problem) -> {
            if (problem != null) {
                deletions.removeIf(waiting -> waiting.done().completeExceptionally(problem));
            }
        });
        return deletion.done();
    }

    private void deleteSnapshots() {
        List<Deletion> begun = new ArrayList<>();
        for (Deletion next = deletions.poll(); next != null; next = deletions.poll()) {
            try {
                hide(next.id());
                begun.add(next);
            } catch (RuntimeException e) {
                next.done().completeExceptionally(translate(e));
            }
        }
        if (!begun.isEmpty()) {
            try {
                commitTables();
                begun.forEach(deletion -> deletion.done().complete(null));
            } catch (RuntimeException e) {
                begun.forEach(deletion -> deletion.done().completeExceptionally(translate(e)));
            }
            reclaimer.lookAtHiddenRoots();
            reclaimSoon();
        }
    }

    private void hide(SnapshotId id) {
        SnapshotEntry entry = catalogue.get(id);
        if (entry.holders.get() > 0) {
            throw new StoreException(StoreException.Kind.IN_USE, "snapshot " + id + " is open");
        }
        SnapshotRow row = rowOf(id);
        checkpointer.reserveFromBallast();
        if (!catalogue.dissolveGroup(row)) {
            checkpoint();
            if (!catalogue.dissolveGroup(row)) {
                throw new StoreException(
                        StoreException.Kind.IO,
                        "the log of a volume has failed that a snapshot taken with " + id + " is of; restart first");
            }
        }
        catalogue.removeSnapshot(entry, row);
    }

    /** Takes back what there is of a group of snapshots that did not come about. */
    void dropGroup(long group) {
        checkpoint();
        catalogue.dropGroup(group);
        commitTables();
        reclaimSoon();
    }

    /** After a little while, so that deletions that come one after the other share a checkpoint. */
    private void reclaimSoon() {
        if (!reclaimScheduled) {
            reclaimScheduled = true;
            timer.schedule(
                    () -> {
                        CompletableFuture<Void> unused = run(() -> {
                            reclaimScheduled = false;
                            queueCheckpointIfReclaiming();
                        });
                    },
                    RECLAIM_AFTER_NANOS);
        }
    }

    OpenVolume openSnapshot(SnapshotId id) {
        checkNotClosing();
        SnapshotRow row = rowOf(id);
        SnapshotEntry entry = catalogue.get(id);
        OpenVolume open = entry.open;
        if (open == null) {
            OpenVolume.Start start = new OpenVolume.Start(
                    new VolumeKey(entry.number, id.toString()),
                    entry.sizeBytes,
                    true,
                    row.root(),
                    row.birth() + 1,
                    Floors.NONE,
                    row.usedBlocks(),
                    Compression.AUTO,
                    VolumeStatus.OK);
            open = new OpenVolume(start, shared, threads.nextLoop(), new SnapshotHost(entry), entry.counters);
            catalogue.opened(entry, open);
        }
        entry.holders.incrementAndGet();
        return open;
    }

    private void snapshotReleased(SnapshotEntry entry) {
        entry.holders.decrementAndGet();
        OpenVolume open = entry.open;
        if (entry.holders.get() == 0 && open != null) {
            quiesce(open);
            open.onLoop(OpenVolume::close);
            catalogue.closed(entry);
        }
    }

    // ---- lineage ----

    List<SnapshotId> lineage(VolumeId id) {
        return idsOf(lineage(catalogue.get(id).number));
    }

    List<SnapshotId> lineage(SnapshotId id) {
        return idsOf(lineage(rowOf(id).number()));
    }

    private static List<SnapshotId> idsOf(Lineage lineage) {
        return lineage.snapshots().stream().map(SnapshotRow::id).toList();
    }

    /** Writes a checkpoint first if a snapshot of the store stands only in its volume's log. */
    private Lineage lineage(long number) {
        if (catalogue.hasSnapshotsInLogOnly()) {
            checkpoint();
        }
        return Lineage.of(catalogue, number);
    }

    ExtentSource changedSince(OpenVolume volume, SnapshotId since) {
        SnapshotEntry entry = catalogue.get(since);
        SnapshotRow row = lineage(volume.key().number()).find(entry.number);
        if (row == null) {
            throw new StoreException(
                    StoreException.Kind.INVALID, volume.key() + " does not descend from snapshot " + since);
        }
        return baselines.open(volume, entry, row);
    }

    ExtentSource allocationDepth(OpenVolume volume) {
        long number = volume.key().number();
        return new AllocationDepth(
                volume,
                lineage(number).floorAddresses(),
                () -> call(() -> lineage(number).floorAddresses()));
    }

    // ---- checkpoints ----

    private void commitTables() {
        guarded(checkpointer::commitTables);
    }

    /** Writes a checkpoint of everything. */
    void checkpoint() {
        checkpointQueued.set(false);
        checkpointer.reserveFromBallast();
        logSinceCheckpoint.set(0);
        guarded(checkpointer::run);
        refreshUsage();
        queueCheckpointIfReclaiming();
        tidy(ticksOfRest >= TICKS_OF_REST);
    }

    /** A commit that fails half-way leaves memory and disk apart: from then on nothing is changed any more. */
    private void guarded(Runnable commit) {
        checkUsable(); // a task whose earlier commit has failed makes no second one
        try {
            commit.run();
            sharing.changed();
        } catch (RuntimeException e) {
            throw failed(e);
        } catch (Error e) {
            failed(e);
            throw e;
        }
    }

    private StoreException failed(Throwable e) {
        StoreException cause = translate(e);
        failure = cause;
        compactor.close();
        scrubber.close();
        LOG.error("the store takes no changes any more", e);
        DiskException forVolumes =
                new DiskException(DiskException.Kind.IO, "the store's checkpoint failed: " + cause.getMessage());
        for (VolumeEntry entry : catalogue.openVolumes()) {
            OpenVolume open = entry.open;
            if (open != null) {
                open.onLoop(opened -> opened.syncFailed(forVolumes));
            }
        }
        return cause;
    }

    private void queueCheckpointIfReclaiming() {
        if (checkpointer.hasMoreToReclaim()) {
            queueCheckpoint();
        }
    }

    /** Any thread. */
    private void queueCheckpoint() {
        if (checkpointQueued.compareAndSet(false, true)) {
            CompletableFuture<Void> done = run(this::checkpoint);
            done.whenComplete((nothing, problem) -> {
                if (problem != null && !closed) {
                    LOG.warn("no checkpoint: {}", problem.toString());
                }
            });
        }
    }

    private void refreshUsage() {
        long live = parts.segments().liveBlocks() * BlockStore.BLOCK_BYTES;
        usage = new StoreUsage(
                live,
                parts.segments().capacityBytes() - parts.segments().storedBytes(),
                parts.segments().recyclableBytes(),
                parts.space().allocatedBytes(),
                parts.ballast().sizeBytes(),
                disk.freeBytes());
    }

    /** Opens nothing more, and lets the volumes and snapshots that are open finish what they were asked for; done when they have. */
    CompletableFuture<Void> quiesceAll() {
        closing = true;
        return CompletableFuture.allOf(catalogue.everythingOpen().stream()
                .map(StoreAccountant::beginQuiesce)
                .toArray(CompletableFuture<?>[]::new));
    }

    /** After {@link #quiesceAll} is done. */
    void close() {
        compactor.close();
        scrubber.close();
        catalogue.openVolumes().forEach(entry -> {
            quiesce(entry.open);
            checkpointer.park(entry, 0);
        });
        if (failure == null && hasRoomToClose()) {
            guarded(checkpointer::run);
            for (VolumeEntry entry : catalogue.openVolumes()) {
                OpenVolume volume = entry.open;
                if (volume != null) {
                    markClosed(entry, volume);
                }
            }
            commitTables();
        }
        closed = true;
        catalogue.everythingOpen().forEach(this::closeOnLoop);
        parts.frames().close();
        parts.superblock().close();
        disk.close();
    }

    /** If there is none, the logs are replayed at the next opening. */
    private boolean hasRoomToClose() {
        try {
            checkpointer.reserveFromBallast();
            return true;
        } catch (DiskException e) {
            LOG.warn("no room for the last checkpoint: {}", e.getMessage());
            return false;
        }
    }

    private void closeOnLoop(OpenVolume volume) {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        volume.onLoop(opened -> {
            opened.close();
            done.complete(true);
        });
        threads.await(done);
    }

    // ---- what open volumes ask for ----

    /** Answers a volume's questions. */
    private final class Host implements VolumeHost {
        private final VolumeEntry entry;

        Host(VolumeEntry entry) {
            this.entry = entry;
        }

        @Override
        public CompletableFuture<LogStart> startLog(long capacityBytes, boolean framed, boolean fromBallast) {
            return call(() -> {
                if (entry.row.isOpenForWriting()) {
                    // The row does not know the end of the log before: the checkpoint that was to end it left it out.
                    throw new StoreException(
                            StoreException.Kind.IO, "the log of volume " + entry.id + " has failed; open it anew");
                }
                if (fromBallast) {
                    checkpointer.reserveFromBallast();
                } else {
                    checkpointer.reserve();
                }
                LogPosition previous = entry.row.position();
                Segment first = prepare(capacityBytes, 0, false, framed, fromBallast);
                int epoch = entry.row.epoch() + 1;
                entry.row.setEpoch(epoch);
                entry.row.setOpenForWriting(true);
                entry.row.setPosition(new LogPosition(
                        first.id(), SegmentDescriptor.HEADER_BYTES, previous.sequence(), previous.previousCheck()));
                commitTables();
                return new LogStart(epoch, first, previous);
            });
        }

        @Override
        public CompletableFuture<Segment> prepareSegment(
                long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast) {
            CompletableFuture<Segment> prepared = new CompletableFuture<>();
            threads.background().execute(() -> {
                try {
                    prepared.complete(prepare(capacityBytes, leastBytes, zeroed, framed, fromBallast));
                } catch (RuntimeException e) {
                    prepared.completeExceptionally(translate(e));
                } catch (Error e) {
                    prepared.completeExceptionally(translate(e));
                    throw e;
                }
            });
            return prepared;
        }

        /** Any thread but the loops. */
        private Segment prepare(
                long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast) {
            SegmentStore segments = parts.segments();
            if (fromBallast) {
                long least = SegmentStore.nextCapacity(0, options.maxSegmentBytes());
                return parts.ballast().spend(() -> segments.prepare(entry.number, least, false, framed));
            }
            if (parts.ballast().isShort()) {
                parts.ballast().refill();
            }
            return segments.prepareUpTo(entry.number, capacityBytes, leastBytes, zeroed, framed);
        }

        @Override
        public void logGrew(OpenVolume volume, long bytes) {
            checkpointer.touched(entry);
            logAppended.addAndGet(bytes);
            if (logSinceCheckpoint.addAndGet(bytes) >= options.checkpointLogBytes()
                    || volume.dirtyPages() > dirtyPagesLimit) {
                queueCheckpoint();
            }
        }

        @Override
        public void checkpointWanted() {
            queueCheckpoint();
        }

        @Override
        public long nanoTime() {
            return threads.nanoTime();
        }

        @Override
        public long maxSegmentBytes() {
            return options.maxSegmentBytes();
        }

        @Override
        public void released(OpenVolume volume) {
            run(() -> {
                if (entry.holders.decrementAndGet() > 0) {
                    return;
                }
                if (entry.open == volume) {
                    idle.add(entry);
                }
                closeIfFailed(entry);
            });
        }

        @Override
        public void statusChanged(OpenVolume volume) {
            entry.status = volume.status();
        }
    }

    /** Serves compaction. */
    private final class ScrubHost implements Scrubber.Host {
        @Override
        public void onAccountant(Runnable task, long delayNanos) {
            if (delayNanos == 0) {
                CompletableFuture<Void> unused = run(task);
            } else if (!closed) {
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

    private final class CompactorHost implements Compactor.Host {
        @Override
        public void onAccountant(Runnable task) {
            CompletableFuture<Void> unused = run(task);
        }

        @Override
        public void checkpointWanted() {
            queueCheckpoint();
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

    /** Answers the questions of a snapshot that is open for reading. */
    private final class SnapshotHost implements VolumeHost {
        private final SnapshotEntry entry;

        SnapshotHost(SnapshotEntry entry) {
            this.entry = entry;
        }

        @Override
        public CompletableFuture<LogStart> startLog(long capacityBytes, boolean framed, boolean fromBallast) {
            throw new IllegalStateException("a snapshot has no log");
        }

        @Override
        public CompletableFuture<Segment> prepareSegment(
                long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast) {
            throw new IllegalStateException("a snapshot has no log");
        }

        @Override
        public void logGrew(OpenVolume volume, long bytes) {}

        @Override
        public void checkpointWanted() {}

        @Override
        public long nanoTime() {
            return threads.nanoTime();
        }

        @Override
        public long maxSegmentBytes() {
            return options.maxSegmentBytes();
        }

        @Override
        public void released(OpenVolume volume) {
            run(() -> snapshotReleased(entry));
        }

        @Override
        public void statusChanged(OpenVolume volume) {}
    }
}
