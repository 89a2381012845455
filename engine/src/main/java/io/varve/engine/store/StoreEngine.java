package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.CheckReport;
import io.varve.engine.CompactionCounters;
import io.varve.engine.Compression;
import io.varve.engine.EngineThreads;
import io.varve.engine.ExtentSource;
import io.varve.engine.IoStatus;
import io.varve.engine.QosLimits;
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
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.meta.Superblock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
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

    private StoreEngine(EngineThreads threads, StoreAccountant accountant) {
        this.threads = threads;
        this.accountant = accountant;
        this.catalogue = accountant.catalogue();
    }

    /** Opens the store in a directory of this machine; see {@link BlockStore#open(Path, StoreOptions, EngineThreads)}. */
    public static BlockStore open(Path directory, StoreOptions options, EngineThreads threads) {
        Disk disk;
        try {
            Files.createDirectories(directory);
            disk = RealDisk.open(directory);
        } catch (IOException e) {
            throw new StoreException(
                    StoreException.Kind.ACCESS_DENIED, "cannot make the data directory " + directory + ": " + e, e);
        } catch (DiskException e) {
            throw StoreAccountant.translate(e);
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
            throw StoreAccountant.translate(e);
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
            throw StoreAccountant.translate(e);
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
                opened.completeExceptionally(StoreAccountant.translate(e));
            }
        });
        return new StoreEngine(threads, StoreAccountant.join(opened, threads));
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
        return accountant.call(() -> accountant.createVolume(id, sizeBytes, Optional.empty(), compression));
    }

    @Override
    public CompletableFuture<VolumeRecord> cloneVolume(
            VolumeId id, long sizeBytes, SnapshotId from, Compression compression) {
        return accountant.call(() -> accountant.createVolume(id, sizeBytes, Optional.of(from), compression));
    }

    @Override
    public CompletableFuture<VolumeRecord> setCompression(VolumeId id, Compression compression) {
        return accountant.call(() -> accountant.setCompression(id, compression));
    }

    @Override
    public CompletableFuture<VolumeRecord> extendVolume(VolumeId id, long sizeBytes) {
        return accountant.call(() -> accountant.extendVolume(id, sizeBytes));
    }

    @Override
    public CompletableFuture<Void> deleteVolume(VolumeId id) {
        return accountant.run(() -> accountant.deleteVolume(id));
    }

    @Override
    public CompletableFuture<SnapshotRecord> createSnapshot(SnapshotId id, VolumeId of) {
        return hold(of).thenCompose(volume ->
                takeSnapshot(id, catalogue.get(of), volume).whenComplete((record, failure) -> volume.release()));
    }

    /** Holds a volume open; waits for the accountant only if nobody else holds it. */
    private CompletableFuture<OpenVolume> hold(VolumeId id) {
        VolumeEntry entry = catalogue.find(id);
        OpenVolume held = entry == null ? null : entry.holdIfHeld();
        return held == null
                ? accountant.call(() -> accountant.openVolume(id))
                : CompletableFuture.completedFuture(held);
    }

    private CompletableFuture<SnapshotRecord> takeSnapshot(SnapshotId id, VolumeEntry entry, OpenVolume volume) {
        if (catalogue.find(id) != null) {
            return CompletableFuture.failedFuture(alreadyExists(id));
        }
        CompletableFuture<SnapshotRecord> taken = new CompletableFuture<>();
        volume.onLoop(opened -> {
            SnapshotPayload payload = new SnapshotPayload(
                    id.high(),
                    id.low(),
                    accountant.takeNumber(),
                    opened.sizeBytes(),
                    threads.now().toEpochMilli(),
                    0,
                    1);
            SnapshotEntry snapshot = new SnapshotEntry(payload, entry);
            opened.snapshot(payload, used -> snapshot.usedBlocks = used, status -> {
                if (status == IoStatus.OK) {
                    catalogue.addSnapshot(snapshot, entry);
                    taken.complete(snapshot.record());
                } else {
                    taken.completeExceptionally(snapshotFailure(entry.id.toString(), status));
                }
            });
        });
        return taken;
    }

    @Override
    public CompletableFuture<List<SnapshotRecord>> createSnapshots(Map<VolumeId, SnapshotId> wanted) {
        if (wanted.isEmpty()
                || wanted.size() > MOST_SNAPSHOTS_AT_ONCE
                || Set.copyOf(wanted.values()).size() < wanted.size()) {
            return CompletableFuture.failedFuture(new StoreException(
                    StoreException.Kind.INVALID,
                    "snapshots of 1 to " + MOST_SNAPSHOTS_AT_ONCE
                            + " volumes can be taken at once, each with an id of its own"));
        }
        for (SnapshotId id : wanted.values()) {
            if (catalogue.find(id) != null) {
                return CompletableFuture.failedFuture(alreadyExists(id));
            }
        }
        List<CompletableFuture<OpenVolume>> opening = new ArrayList<>();
        wanted.keySet().forEach(of -> opening.add(hold(of)));
        CompletableFuture<List<SnapshotRecord>> taken = CompletableFuture.allOf(
                        opening.toArray(CompletableFuture[]::new))
                .thenCompose(all -> {
                    List<GroupSnapshot.Member> members = new ArrayList<>();
                    int i = 0;
                    for (Map.Entry<VolumeId, SnapshotId> want : wanted.entrySet()) {
                        OpenVolume volume = opening.get(i++).join();
                        members.add(new GroupSnapshot.Member(want.getValue(), catalogue.get(want.getKey()), volume));
                    }
                    return takeGroup(members);
                });
        return taken.whenComplete(
                (records, failure) -> opening.forEach(opened -> opened.thenAccept(OpenVolume::release)));
    }

    private CompletableFuture<List<SnapshotRecord>> takeGroup(List<GroupSnapshot.Member> members) {
        long group = accountant.takeNumber();
        GroupSnapshot snapshot =
                new GroupSnapshot(group, members, threads.now().toEpochMilli(), accountant::takeNumber);
        catalogue.beginGroup(group);
        return snapshot.take().thenCompose(status -> {
            if (status == IoStatus.OK) {
                catalogue.addGroup(group, snapshot.taken());
                return CompletableFuture.completedFuture(snapshot.taken().keySet().stream()
                        .map(SnapshotEntry::record)
                        .toList());
            }
            StoreException failure = snapshotFailure("a group of volumes", status);
            return accountant.run(() -> accountant.dropGroup(group)).handle((nothing, problem) -> {
                throw failure;
            });
        });
    }

    private static StoreException alreadyExists(SnapshotId id) {
        return new StoreException(StoreException.Kind.ALREADY_EXISTS, "there is a snapshot " + id + " already");
    }

    private static StoreException snapshotFailure(String of, IoStatus status) {
        StoreException.Kind kind = switch (status) {
            case ENOSPC -> StoreException.Kind.NO_SPACE;
            case ESHUTDOWN -> StoreException.Kind.CLOSED;
            default -> StoreException.Kind.IO;
        };
        return new StoreException(kind, "no snapshot of " + of + ": " + status);
    }

    @Override
    public CompletableFuture<Void> deleteSnapshot(SnapshotId id) {
        return accountant.deleteSnapshot(id);
    }

    @Override
    public CompletableFuture<Volume> open(VolumeId id) {
        return accountant.call(() -> accountant.openVolume(id));
    }

    @Override
    public CompletableFuture<Volume> openSnapshot(SnapshotId id) {
        return accountant.call(() -> accountant.openSnapshot(id));
    }

    @Override
    public CompletableFuture<List<SnapshotId>> lineage(VolumeId id) {
        return accountant.call(() -> accountant.lineage(id));
    }

    @Override
    public CompletableFuture<List<SnapshotId>> lineage(SnapshotId id) {
        return accountant.call(() -> accountant.lineage(id));
    }

    @Override
    public CompletableFuture<ExtentSource> changedSince(Volume volume, SnapshotId since) {
        return accountant.call(() -> accountant.changedSince(own(volume), since));
    }

    @Override
    public CompletableFuture<ExtentSource> allocationDepth(Volume volume) {
        return accountant.call(() -> accountant.allocationDepth(own(volume)));
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
        return accountant.scrub();
    }

    @Override
    public StoreUsage usage() {
        return accountant.usage();
    }

    /** What was read and written of maps up to now, all earlier calls included. */
    @Override
    public CompactionCounters compaction() {
        return accountant.compaction();
    }

    CompletableFuture<MapTraffic> mapTraffic() {
        return accountant.call(accountant::mapTraffic);
    }

    @Override
    public CompletableFuture<Boolean> yieldReserve() {
        return accountant.yieldReserve();
    }

    /** The most pages of deleted snapshots that one checkpoint has read so far. */
    CompletableFuture<Integer> largestReclaimStepPages() {
        return accountant.call(accountant::largestReclaimStepPages);
    }

    @Override
    public CompletableFuture<Void> checkpoint() {
        return accountant.run(accountant::checkpoint);
    }

    @Override
    public void close() {
        // Requests under way may need the accountant: it must not be the one that waits for them.
        StoreAccountant.join(accountant.call(accountant::quiesceAll).thenCompose(idle -> idle), threads);
        StoreAccountant.join(accountant.run(accountant::close), threads);
    }
}
