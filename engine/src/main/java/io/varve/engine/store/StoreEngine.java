package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.BurstBalance;
import io.varve.engine.CheckReport;
import io.varve.engine.CompactionCounters;
import io.varve.engine.Compression;
import io.varve.engine.EngineThreads;
import io.varve.engine.ExtentSource;
import io.varve.engine.MemoryShare;
import io.varve.engine.MemoryUse;
import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import io.varve.engine.SalvageReport;
import io.varve.engine.ScrubStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.StoreUsage;
import io.varve.engine.Volume;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeUsage;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.RealDisk;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.meta.Superblock;
import io.varve.engine.qos.StoreShares;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * The store: the public face, put together of catalogue, open volumes and checkpoints. Look-ups are answered by the
 * calling thread; everything that changes something becomes a task of the accountant.
 */
public final class StoreEngine implements BlockStore {
    private final EngineThreads threads;
    private final Catalogue catalogue;
    private final StoreAccountant accountant;
    private final AccountantTasks tasks;
    private final SnapshotTaker snapshotTaker;

    private StoreEngine(EngineThreads threads, StoreAccountant accountant) {
        this.threads = threads;
        this.accountant = accountant;
        this.catalogue = accountant.catalogue();
        this.tasks = accountant.tasks();
        this.snapshotTaker = new SnapshotTaker(accountant, threads);
    }

    /**
     * Opens the store in a directory of this machine; see {@link BlockStore#open(Path, StoreOptions, EngineThreads)}.
     */
    public static BlockStore open(Path directory, StoreOptions options, EngineThreads threads) {
        Disk disk;
        try {
            Files.createDirectories(directory);
            disk = RealDisk.open(directory);
        } catch (IOException e) {
            throw new StoreException(
                    StoreException.Kind.ACCESS_DENIED, "cannot make the data directory " + directory + ": " + e, e);
        } catch (DiskException e) {
            throw AccountantTasks.translate(e);
        }
        return open(disk, options, threads);
    }

    /** Checks the store in a directory of this machine; see {@link BlockStore#check}. */
    public static CheckReport check(Path directory, boolean dataBlocks) {
        try (Disk disk = RealDisk.openReadOnly(directory)) {
            return check(disk, dataBlocks);
        } catch (DiskException e) {
            if (e.kind() == DiskException.Kind.NAME) {
                throw new StoreException(StoreException.Kind.INVALID, String.valueOf(e.getMessage()), e);
            }
            throw AccountantTasks.translate(e);
        }
    }

    /** Copies a damaged store; see {@link BlockStore#salvage}. */
    public static SalvageReport salvage(Path damaged, Path target, StoreOptions options, EngineThreads threads) {
        try (Disk disk = RealDisk.openReadOnly(damaged)) {
            StoreOpening.lock(disk);
            if (!Superblock.exists(disk)) {
                throw new StoreException(StoreException.Kind.INVALID, "there is no superblock in " + damaged);
            }
            requireEmpty(target);
            try (BlockStore copy = open(target, options, threads)) {
                return Salvage.run(disk, copy, threads);
            }
        } catch (DiskException e) {
            throw AccountantTasks.translate(e);
        }
    }

    private static void requireEmpty(Path target) {
        try (Stream<Path> found = Files.exists(target) ? Files.list(target) : Stream.of()) {
            if (found.findAny().isPresent()) {
                throw new StoreException(StoreException.Kind.ALREADY_EXISTS, target + " is not an empty directory");
            }
        } catch (IOException e) {
            throw new StoreException(StoreException.Kind.ACCESS_DENIED, target + " cannot be listed: " + e, e);
        }
    }

    /** Checks the store in {@code disk}, which stays open. */
    static CheckReport check(Disk disk, boolean dataBlocks) {
        StoreOpening.lock(disk);
        boolean isStore = Superblock.exists(disk) || disk.exists(SegmentStore.DIRECTORY);
        if (!isStore) {
            throw new StoreException(StoreException.Kind.INVALID, "this directory holds no store");
        }
        return StoreInspection.check(disk, dataBlocks);
    }

    /**
     * Opens the store in {@code disk}, creating it if the directory is empty, and recovers what a crash left. Waits for
     * storage; the engine closes {@code disk}, also when this fails.
     *
     * @throws StoreException LOCKED, ACCESS_DENIED, NEWER_FORMAT, DAMAGED, NO_SPACE or IO
     */
    public static BlockStore open(Disk disk, StoreOptions options, EngineThreads threads) {
        CompletableFuture<StoreAccountant> opened = new CompletableFuture<>();
        threads.accountant().execute(() -> {
            try {
                opened.complete(StoreOpening.open(disk, options.fittedTo(disk.totalBytes()), threads));
            } catch (RuntimeException e) {
                disk.close();
                opened.completeExceptionally(AccountantTasks.translate(e));
            }
        });
        return new StoreEngine(threads, AccountantTasks.join(opened, threads));
    }

    @Override
    public List<VolumeRecord> volumes() {
        return catalogue.volumes().stream().map(VolumeEntry::record).toList();
    }

    @Override
    public List<SnapshotRecord> snapshots() {
        return catalogue.snapshots().stream().map(SnapshotEntry::record).toList();
    }

    @Override
    public Optional<VolumeRecord> volume(VolumeId id) {
        return Optional.ofNullable(catalogue.find(id)).map(VolumeEntry::record);
    }

    @Override
    public Optional<SnapshotRecord> snapshot(SnapshotId id) {
        return Optional.ofNullable(catalogue.find(id)).map(SnapshotEntry::record);
    }

    @Override
    public CompletableFuture<VolumeRecord> createVolume(VolumeId id, long sizeBytes, Compression compression) {
        return tasks.call(() -> accountant.createVolume(id, sizeBytes, Optional.empty(), compression));
    }

    @Override
    public CompletableFuture<VolumeRecord> cloneVolume(
            VolumeId id, long sizeBytes, SnapshotId from, Compression compression) {
        return tasks.call(() -> accountant.createVolume(id, sizeBytes, Optional.of(from), compression));
    }

    @Override
    public CompletableFuture<VolumeRecord> setCompression(VolumeId id, Compression compression) {
        return tasks.call(() -> accountant.setCompression(id, compression));
    }

    @Override
    public CompletableFuture<VolumeRecord> extendVolume(VolumeId id, long sizeBytes) {
        return tasks.call(() -> accountant.extendVolume(id, sizeBytes));
    }

    @Override
    public CompletableFuture<Void> deleteVolume(VolumeId id) {
        return tasks.run(() -> accountant.deletions().deleteVolume(id));
    }

    @Override
    public CompletableFuture<SnapshotRecord> createSnapshot(SnapshotId id, VolumeId of) {
        return snapshotTaker.take(id, of);
    }

    @Override
    public CompletableFuture<List<SnapshotRecord>> createSnapshots(Map<VolumeId, SnapshotId> wanted) {
        return snapshotTaker.takeTogether(wanted);
    }

    @Override
    public CompletableFuture<Void> deleteSnapshot(SnapshotId id) {
        return accountant.deletions().deleteSnapshot(id);
    }

    @Override
    public CompletableFuture<Volume> open(VolumeId id) {
        return tasks.call(() -> accountant.volumes().open(id));
    }

    @Override
    public CompletableFuture<Volume> openSnapshot(SnapshotId id) {
        return tasks.call(() -> accountant.volumes().openSnapshot(id));
    }

    @Override
    public CompletableFuture<List<SnapshotId>> lineage(VolumeId id) {
        return tasks.call(() -> accountant.lineage(id));
    }

    @Override
    public CompletableFuture<List<SnapshotId>> lineage(SnapshotId id) {
        return tasks.call(() -> accountant.lineage(id));
    }

    @Override
    public CompletableFuture<ExtentSource> changedSince(Volume volume, SnapshotId since) {
        return tasks.call(() -> accountant.changedSince(own(volume), since));
    }

    @Override
    public CompletableFuture<ExtentSource> allocationDepth(Volume volume) {
        return tasks.call(() -> accountant.allocationDepth(own(volume)));
    }

    private static OpenVolume own(Volume volume) {
        if (volume instanceof OpenVolume open) {
            return open;
        }
        throw new StoreException(StoreException.Kind.INVALID, "a volume of another store");
    }

    @Override
    public void limit(VolumeId id, QosLimits limits) {
        VolumeEntry entry = catalogue.get(id);
        entry.limits = limits;
        OpenVolume open = entry.open;
        if (open != null) {
            open.onLoop(volume -> volume.limit(limits));
        }
    }

    @Override
    public void share(VolumeId id, QosShare share) {
        VolumeEntry entry = catalogue.get(id);
        entry.share = share;
        StoreShares.Member member = entry.member;
        if (member != null) {
            member.change(share, threads.nanoTime());
        }
    }

    @Override
    public int waitingVolumes() {
        return accountant.waitingVolumes();
    }

    @Override
    public void restoreCredits(VolumeId id, long credits) {
        catalogue.get(id).throttle.restore(credits, threads.nanoTime());
    }

    @Override
    public Optional<BurstBalance> burstBalance(VolumeId id) {
        VolumeEntry entry = catalogue.get(id);
        return entry.throttle.balance(entry.limits, threads.nanoTime());
    }

    @Override
    public boolean inUse(VolumeId id) {
        return catalogue.get(id).holders.get() > 0;
    }

    @Override
    public boolean inUse(SnapshotId id) {
        return catalogue.get(id).holders.get() > 0;
    }

    @Override
    public Optional<VolumeCounters> counters(VolumeId id) {
        return Optional.ofNullable(catalogue.find(id)).map(entry -> entry.counters);
    }

    @Override
    public VolumeUsage usage(VolumeId id) {
        VolumeEntry entry = catalogue.get(id);
        return usage(entry.sizeBytes, entry.usedBlocks(), entry.exclusiveBlocks);
    }

    @Override
    public VolumeUsage usage(SnapshotId id) {
        SnapshotEntry entry = catalogue.get(id);
        return usage(entry.sizeBytes, entry.usedBlocks, entry.exclusiveBlocks);
    }

    private static VolumeUsage usage(long sizeBytes, long usedBlocks, long exclusiveBlocks) {
        OptionalLong exclusive = exclusiveBlocks == VolumeEntry.UNKNOWN
                ? OptionalLong.empty()
                : OptionalLong.of(Math.min(usedBlocks, exclusiveBlocks) * BLOCK_BYTES);
        return new VolumeUsage(sizeBytes, usedBlocks * BLOCK_BYTES, exclusive);
    }

    @Override
    public ScrubStatus scrub() {
        return accountant.upkeep().scrub();
    }

    @Override
    public StoreUsage usage() {
        return accountant.checkpoints().usage();
    }

    @Override
    public Map<MemoryUse, MemoryShare> memory() {
        return accountant.memory().shares();
    }

    @Override
    public CompactionCounters compaction() {
        return accountant.upkeep().compaction();
    }

    /** What was read and written of maps up to now, all earlier calls included. */
    CompletableFuture<MapTraffic> mapTraffic() {
        return tasks.call(accountant::mapTraffic);
    }

    @Override
    public CompletableFuture<Boolean> yieldReserve() {
        return accountant.yieldReserve();
    }

    /** The most pages of deleted snapshots that one checkpoint has read so far. */
    CompletableFuture<Integer> largestReclaimStepPages() {
        return tasks.call(accountant::largestReclaimStepPages);
    }

    @Override
    public CompletableFuture<Void> checkpoint() {
        return tasks.run(accountant.checkpoints()::run);
    }

    @Override
    public void close() {
        // Requests under way may need the accountant: it must not be the one that waits for them.
        AccountantTasks.join(tasks.call(accountant.volumes()::quiesceAll).thenCompose(idle -> idle), threads);
        AccountantTasks.join(tasks.run(accountant::close), threads);
    }
}
