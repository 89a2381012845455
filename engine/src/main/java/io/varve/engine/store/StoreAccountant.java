package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.EngineThreads;
import io.varve.engine.ExtentSource;
import io.varve.engine.MemoryUse;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeLoop;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.FrameMemory;
import io.varve.engine.log.LogPosition;
import io.varve.engine.map.MapRoot;
import io.varve.engine.meta.Superblock;
import io.varve.engine.meta.Table;
import io.varve.engine.qos.StoreShares;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that changes the store as a whole, put together: tasks, checkpoints, open volumes, deletions, upkeep. It starts
 * and closes the store, creates and extends volumes, and answers what needs the catalogue as it is. The data path never
 * waits for it, except for a volume's first write. Methods without a note run on the accountant only.
 */
final class StoreAccountant {
    private static final Logger LOG = LoggerFactory.getLogger(StoreAccountant.class);

    /** What the control plane gets at a time. */
    private static final long YIELDED_BYTES = 1 << 20;

    private final Disk disk;
    private final StoreParts parts;
    private final EngineThreads threads;
    private final Catalogue catalogue;
    private final AccountantTasks tasks;
    private final Reclaimer reclaimer;
    private final Checkpointer checkpointer;
    private final Checkpoints checkpoints;
    private final Optional<StoreShares> shares;
    private final OpenVolumes volumes;
    private final Deletions deletions;
    private final Upkeep upkeep;
    private final Baselines baselines;
    private final StoreMemory memory;

    StoreAccountant(Disk disk, StoreParts parts, Table subtrees, StoreOptions options, EngineThreads threads) {
        this.disk = disk;
        this.parts = parts;
        this.threads = threads;
        catalogue = parts.catalogue();
        tasks = new AccountantTasks(threads);
        ByteBudget dirty = new ByteBudget(options.memory().bytes(MemoryUse.DIRTY_LOG));
        reclaimer = new Reclaimer(parts, subtrees);
        checkpointer = new Checkpointer(parts, threads, reclaimer, dirty);
        checkpoints = new Checkpoints(tasks, disk, parts, checkpointer, options);
        SpacePressure pressure = new SpacePressure(checkpoints::logAppended);
        VolumeLoop timer = threads.nextLoop();
        OpenVolume.Shared shared = new OpenVolume.Shared(
                parts.frames(),
                parts.pages(),
                parts.segments(),
                dirty,
                new FrameMemory(options.memory().bytes(MemoryUse.COMPRESSED_FRAMES)),
                new ByteBudget(options.memory().bytes(MemoryUse.PARTIAL_BLOCKS)),
                pressure);
        memory = new StoreMemory(options.memory(), parts, shared);
        shares = StoreShares.of(options.limits(), threads.nanoTime());
        volumes = new OpenVolumes(tasks, checkpointer, checkpoints, parts, options, shared, memory, shares, threads);
        deletions = new Deletions(tasks, checkpointer, checkpoints, volumes, reclaimer, parts, timer);
        upkeep =
                new Upkeep(tasks, checkpointer, checkpoints, reclaimer, disk, parts, options, pressure, threads, timer);
        baselines = new Baselines(parts.frames(), parts.pages(), tasks::run);
        tasks.whenFailed(this::serviceEnded);
    }

    // ---- any thread ----

    /** How many volumes wait because the store is held to limits. */
    int waitingVolumes() {
        return shares.map(StoreShares::waiting).orElse(0);
    }

    Catalogue catalogue() {
        return catalogue;
    }

    AccountantTasks tasks() {
        return tasks;
    }

    Checkpoints checkpoints() {
        return checkpoints;
    }

    StoreMemory memory() {
        return memory;
    }

    OpenVolumes volumes() {
        return volumes;
    }

    Deletions deletions() {
        return deletions;
    }

    Upkeep upkeep() {
        return upkeep;
    }

    /** A number for a new volume or snapshot; never given again. */
    long takeNumber() {
        return checkpointer.takeNumber();
    }

    CompletableFuture<Boolean> yieldReserve() {
        return tasks.callInBackground(() -> parts.ballast().giveUp(YIELDED_BYTES));
    }

    // ---- start and end ----

    /** Recovers every volume that was open for writing when the store was last in use. */
    void start() {
        List<VolumeEntry> wereOpen = new ArrayList<>();
        Map<Long, Integer> newestEpochs = parts.segments().unknown().newestEpochs();
        for (VolumeEntry entry : catalogue.descent().everyVolume()) {
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
        volumes.recover(wereOpen);
        if (wereOpen.stream().noneMatch(entry -> entry.status.health() == VolumeStatus.Health.FAILED)) {
            parts.segments().deleteStrayFiles();
        }
        checkpointer.commitTables();
        checkpoints.refreshUsage();
        checkpoints.queueIfReclaiming();
        upkeep.start();
    }

    private void serviceEnded(StoreException cause) {
        upkeep.stop();
        volumes.failAll(
                new DiskException(DiskException.Kind.IO, "the store's checkpoint failed: " + cause.getMessage()));
    }

    /** After {@link OpenVolumes#quiesceAll} is done. */
    void close() {
        upkeep.stop();
        if (!tasks.hasFailed() && hasRoomToClose()) {
            volumes.endLogs();
        }
        tasks.close();
        volumes.closeAll();
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

    // ---- what volumes are ----

    VolumeRecord createVolume(VolumeId id, long sizeBytes, Optional<SnapshotId> from, Compression compression) {
        if (catalogue.find(id) != null) {
            throw new StoreException(StoreException.Kind.ALREADY_EXISTS, "there is a volume " + id + " already");
        }
        checkSize(sizeBytes, BlockStore.MIN_VOLUME_BYTES);
        checkpointer.reserve();
        SnapshotRow origin = from.map(checkpoints::rowOf).orElse(null);
        if (origin != null) {
            checkSize(sizeBytes, origin.sizeBytes());
        }
        VolumeRow row = catalogue.newVolumeRow();
        if (origin != null) {
            row.setOrigin(origin.number(), parts.segments().floorOfNewSegments(), origin.birth());
            row.setRoot(origin.root().pointer(), origin.root().check(), origin.birth() + 1);
            row.setUsedBlocks(origin.usedBlocks());
        } else {
            row.setRoot(MapRoot.EMPTY.pointer(), 0, 1);
        }
        row.setIdentity(id, takeNumber(), threads.now().toEpochMilli());
        row.setSizeBytes(sizeBytes);
        row.setPosition(LogPosition.START);
        setCompression(row, compression);
        checkpoints.commitTables();
        return catalogue.addVolume(row).record();
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
        checkpoints.commitTables();
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
        checkpoints.commitTables();
        entry.sizeBytes = sizeBytes;
        OpenVolume open = entry.open;
        if (open != null) {
            open.extend(sizeBytes);
        }
        return entry.record();
    }

    private static void checkSize(long sizeBytes, long least) {
        if (sizeBytes < least || sizeBytes > BlockStore.MAX_VOLUME_BYTES || sizeBytes % BlockStore.BLOCK_BYTES != 0) {
            throw new StoreException(
                    StoreException.Kind.INVALID,
                    "a size of " + sizeBytes + " bytes is not possible: it must be a multiple of "
                            + BlockStore.BLOCK_BYTES + " from " + least + " to " + BlockStore.MAX_VOLUME_BYTES);
        }
    }

    // ---- lineage ----

    List<SnapshotId> lineage(VolumeId id) {
        return idsOf(lineage(catalogue.get(id).number));
    }

    List<SnapshotId> lineage(SnapshotId id) {
        return idsOf(lineage(checkpoints.rowOf(id).number()));
    }

    private static List<SnapshotId> idsOf(Lineage lineage) {
        return lineage.snapshots().stream().map(SnapshotRow::id).toList();
    }

    /** Writes a checkpoint first if a snapshot of the store stands only in its volume's log. */
    private Lineage lineage(long number) {
        if (catalogue.hasSnapshotsInLogOnly()) {
            checkpoints.run();
        }
        return Lineage.of(catalogue.descent(), number);
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
                () -> tasks.call(() -> lineage(number).floorAddresses()));
    }

    // ---- figures for tests ----

    MapTraffic mapTraffic() {
        return new MapTraffic(parts.pages().pagesRead(), parts.writer().pagesWritten());
    }

    int largestReclaimStepPages() {
        return reclaimer.largestStepPages();
    }
}
