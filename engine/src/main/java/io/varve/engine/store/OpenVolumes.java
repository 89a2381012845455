package io.varve.engine.store;

import io.varve.engine.Compression;
import io.varve.engine.EngineThreads;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.DiskException;
import io.varve.engine.map.Floors;
import io.varve.engine.qos.StoreShares;
import io.varve.engine.qos.Throttle;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The volumes and snapshots that are open: opens what somebody wants to hold, keeps volumes open for a while when
 * nobody does, and closes them. Methods without a note run on the accountant only.
 */
final class OpenVolumes {
    private static final int MAX_IDLE_VOLUMES = 256;

    private final AccountantTasks tasks;
    private final Checkpointer checkpointer;
    private final Checkpoints checkpoints;
    private final StoreParts parts;
    private final Catalogue catalogue;
    private final EngineThreads threads;
    private final OpenVolume.Shared shared;
    private final StoreMemory memory;
    private final HostOfVolume.Services services;
    private final Optional<StoreShares> shares;
    /** Open volumes that nobody holds, the longest idle first. */
    private final Set<VolumeEntry> idle = new LinkedHashSet<>();

    private boolean closing;

    OpenVolumes(
            AccountantTasks tasks,
            Checkpointer checkpointer,
            Checkpoints checkpoints,
            StoreParts parts,
            StoreOptions options,
            OpenVolume.Shared shared,
            StoreMemory memory,
            Optional<StoreShares> shares,
            EngineThreads threads) {
        this.shares = shares;
        this.tasks = tasks;
        this.checkpointer = checkpointer;
        this.checkpoints = checkpoints;
        this.parts = parts;
        this.catalogue = parts.catalogue();
        this.threads = threads;
        this.shared = shared;
        this.memory = memory;
        services = new HostOfVolume.Services(tasks, checkpoints, checkpointer, parts, options, threads, this::released);
    }

    private void checkNotClosing() {
        if (closing) {
            throw new StoreException(StoreException.Kind.CLOSED, "the store is closing");
        }
    }

    // ---- volumes ----

    /** Opens a volume for one more holder, who gives it back by {@link OpenVolume#release}. */
    OpenVolume open(VolumeId id) {
        checkNotClosing();
        VolumeEntry entry = catalogue.get(id);
        closeIfFailed(entry);
        OpenVolume open = entry.open;
        if (open == null) {
            makeRoom();
            if (entry.row.isOpenForWriting()) {
                recover(List.of(entry));
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
        shares.ifPresent(all -> join(entry, all));
        OpenVolume.Start start = new OpenVolume.Start(
                entry.key(),
                entry.sizeBytes,
                row.isDamaged(),
                row.root(),
                row.generation(),
                catalogue.descent().floors(entry.number),
                row.usedBlocks(),
                row.compression(),
                entry.status);
        OpenVolume volume =
                new OpenVolume(start, shared, threads.nextLoop(), new HostOfVolume(entry, services), entry.counters);
        volume.onLoop(opened -> opened.limit(entry.limits));
        catalogue.opened(entry, volume);
        return volume;
    }

    private void join(VolumeEntry entry, StoreShares all) {
        if (entry.member == null) {
            StoreShares.Member member = all.member(threads.nanoTime());
            entry.member = member;
            entry.throttle.share(member);
            member.change(entry.share, threads.nanoTime());
        }
    }

    /** Replays the logs of volumes that are not open; those whose storage fails stay FAILED. */
    void recover(List<VolumeEntry> entries) {
        Recovery.recover(parts, checkpointer, tasks::commit, entries);
        catalogue.settleGroups();
    }

    private void released(VolumeEntry entry) {
        if (entry.holders.decrementAndGet() == 0 && entry.open != null) {
            idle.add(entry);
            closeIfFailed(entry);
        }
    }

    /** A volume whose log has failed is closed when nobody needs it any more, so that its next opening recovers it. */
    private void closeIfFailed(VolumeEntry entry) {
        OpenVolume open = entry.open;
        boolean failed = open != null && open.status().health() == VolumeStatus.Health.FAILED;
        if (failed && !isInUse(entry)) {
            checkpointer.reserveFromBallast();
            close(entry);
        }
    }

    private void makeRoom() {
        boolean mayClose = memory.isFullOfVolumes() && !idle.isEmpty();
        if (mayClose || idle.size() >= MAX_IDLE_VOLUMES) {
            checkpointer.reserveFromBallast();
            close(idle.stream().filter(entry -> !isBusy(entry.open)).toList());
        }
        memory.requireRoomForVolume();
    }

    /**
     * Closes a volume that is not {@linkplain #isInUse in use}, if it is open. Room for a checkpoint is reserved
     * before.
     */
    void close(VolumeEntry entry) {
        if (entry.open != null) {
            close(List.of(entry));
        }
    }

    /** Closes volumes that nobody holds; what they have not checkpointed yet is, unless their log has failed. */
    private void close(List<VolumeEntry> entries) {
        entries.forEach(this::endLog);
        tasks.commit(checkpointer::run);
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

    private void endLog(VolumeEntry entry) {
        quiesce(entry.open);
        checkpointer.park(entry, 0);
    }

    /** The volume's last checkpoint holds everything, unless its log has failed. */
    private void markClosed(VolumeEntry entry, OpenVolume volume) {
        if (volume.status().health() != VolumeStatus.Health.FAILED) {
            entry.row.setOpenForWriting(false);
            parts.segments().sealAll(entry.number);
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

    private void quiesce(@Nullable OpenVolume volume) {
        if (volume != null) {
            threads.await(beginQuiesce(volume));
        }
    }

    private static CompletableFuture<Boolean> beginQuiesce(OpenVolume volume) {
        CompletableFuture<Boolean> idle = new CompletableFuture<>();
        volume.onLoop(opened -> opened.quiesce(() -> idle.complete(true)));
        return idle;
    }

    /** True if somebody holds the volume, or has left requests behind. */
    boolean isInUse(VolumeEntry entry) {
        return entry.holders.get() > 0 || isBusy(entry.open);
    }

    /** True while requests are under way, which may need the accountant to be answered. */
    private boolean isBusy(@Nullable OpenVolume volume) {
        if (volume == null) {
            return false;
        }
        CompletableFuture<Boolean> busy = new CompletableFuture<>();
        volume.onLoop(opened -> busy.complete(opened.isBusy()));
        return threads.await(busy);
    }

    /** The store's service has ended: no volume promises anything any more. */
    void failAll(DiskException cause) {
        for (VolumeEntry entry : catalogue.openVolumes()) {
            OpenVolume open = entry.open;
            if (open != null) {
                open.onLoop(opened -> opened.syncFailed(cause));
            }
        }
    }

    // ---- snapshots ----

    /** Opens a snapshot for one more reader, who gives it back by {@link OpenVolume#release}. */
    OpenVolume openSnapshot(SnapshotId id) {
        checkNotClosing();
        SnapshotRow row = checkpoints.rowOf(id);
        SnapshotEntry entry = catalogue.get(id);
        OpenVolume open = entry.open;
        if (open == null) {
            makeRoom();
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
            Throttle throttle = new Throttle();
            shares.ifPresent(all -> throttle.share(all.member(threads.nanoTime())));
            HostOfSnapshot host = new HostOfSnapshot(threads, throttle, () -> {
                CompletableFuture<Void> unused = tasks.run(() -> released(entry));
            });
            open = new OpenVolume(start, shared, threads.nextLoop(), host, entry.counters);
            catalogue.opened(entry, open);
        }
        entry.holders.incrementAndGet();
        return open;
    }

    private void released(SnapshotEntry entry) {
        OpenVolume open = entry.open;
        if (entry.holders.decrementAndGet() == 0 && open != null) {
            quiesce(open);
            closeOnLoop(open);
            catalogue.closed(entry);
        }
    }

    // ---- the end ----

    /** Opens nothing more, and lets what is open finish what it was asked for; done when all have. */
    CompletableFuture<Void> quiesceAll() {
        closing = true;
        return CompletableFuture.allOf(catalogue.everythingOpen().stream()
                .map(OpenVolumes::beginQuiesce)
                .toArray(CompletableFuture<?>[]::new));
    }

    /** Writes the last checkpoint, behind which no log has to be replayed. After {@link #quiesceAll} is done. */
    void endLogs() {
        catalogue.openVolumes().forEach(this::endLog);
        tasks.commit(checkpointer::run);
        for (VolumeEntry entry : catalogue.openVolumes()) {
            OpenVolume volume = entry.open;
            if (volume != null) {
                markClosed(entry, volume);
            }
        }
        checkpoints.commitTables();
    }

    /** Lets go of memory. */
    void closeAll() {
        catalogue.everythingOpen().forEach(this::closeOnLoop);
    }
}
