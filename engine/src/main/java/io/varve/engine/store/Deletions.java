package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/**
 * Deletes volumes and snapshots: hides them, durably, and has checkpoints written that give their space back ({@link
 * Reclaimer}). Methods without a note run on the accountant only.
 */
final class Deletions {
    private static final long RECLAIM_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final AccountantTasks tasks;
    private final Checkpointer checkpointer;
    private final Checkpoints checkpoints;
    private final OpenVolumes volumes;
    private final Reclaimer reclaimer;
    private final StoreParts parts;
    private final Catalogue catalogue;
    private final VolumeLoop timer;
    private final Queue<Deletion> asked = new ConcurrentLinkedQueue<>();
    private boolean reclaimScheduled;

    /** A snapshot whose deletion was asked for. */
    private record Deletion(SnapshotId id, CompletableFuture<Void> done) {}

    Deletions(
            AccountantTasks tasks,
            Checkpointer checkpointer,
            Checkpoints checkpoints,
            OpenVolumes volumes,
            Reclaimer reclaimer,
            StoreParts parts,
            VolumeLoop timer) {
        this.tasks = tasks;
        this.checkpointer = checkpointer;
        this.checkpoints = checkpoints;
        this.volumes = volumes;
        this.reclaimer = reclaimer;
        this.parts = parts;
        this.catalogue = parts.catalogue();
        this.timer = timer;
    }

    // ---- volumes ----

    void deleteVolume(VolumeId id) {
        VolumeEntry entry = catalogue.get(id);
        if (volumes.isInUse(entry)) {
            throw new StoreException(StoreException.Kind.IN_USE, "volume " + id + " is open");
        }
        checkpointer.reserveFromBallast();
        volumes.close(entry);
        if (hasSnapshotsInItsLogOnly(entry) || entry.row.isOpenForWriting()) {
            volumes.recover(List.of(entry)); // its log may hold snapshots that nothing else knows of
            if (hasSnapshotsInItsLogOnly(entry)) {
                throw new StoreException(
                        StoreException.Kind.IO,
                        "volume " + id + " holds snapshots in its log, which " + entry.status.detail());
            }
        }
        reclaimer.addDeleted(entry.row);
        parts.segments().sealAll(entry.number);
        catalogue.removeVolume(entry);
        checkpoints.commitTables();
        reclaimer.lookAtHiddenRoots();
        checkpoints.queueIfReclaiming();
    }

    /** True after a failure of the log: the checkpoint of closing, which gives snapshots their rows, was left out. */
    private static boolean hasSnapshotsInItsLogOnly(VolumeEntry entry) {
        return entry.snapshotsInLogOnly.get() > 0;
    }

    // ---- snapshots ----

    /** Deletes a snapshot; those that are asked for while the accountant is busy share a commit. Any thread. */
    CompletableFuture<Void> deleteSnapshot(SnapshotId id) {
        Deletion deletion = new Deletion(id, new CompletableFuture<>());
        asked.add(deletion);
        CompletableFuture<Void> unused = tasks.run(this::deleteSnapshots).whenComplete((nothing, problem) -> {
            if (problem != null) {
                asked.removeIf(waiting -> waiting.done().completeExceptionally(problem));
            }
        });
        return deletion.done();
    }

    private void deleteSnapshots() {
        List<Deletion> begun = new ArrayList<>();
        for (Deletion next = asked.poll(); next != null; next = asked.poll()) {
            try {
                hide(next.id());
                begun.add(next);
            } catch (RuntimeException e) {
                next.done().completeExceptionally(AccountantTasks.translate(e));
            }
        }
        if (!begun.isEmpty()) {
            try {
                checkpoints.commitTables();
                begun.forEach(deletion -> deletion.done().complete(null));
            } catch (RuntimeException e) {
                begun.forEach(deletion -> deletion.done().completeExceptionally(AccountantTasks.translate(e)));
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
        SnapshotRow row = checkpoints.rowOf(id);
        checkpointer.reserveFromBallast();
        if (!catalogue.dissolveGroup(row)) {
            checkpoints.run();
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
        checkpoints.run();
        catalogue.dropGroup(group);
        checkpoints.commitTables();
        reclaimSoon();
    }

    /** After a little while, so that deletions that come one after the other share a checkpoint. */
    private void reclaimSoon() {
        if (!reclaimScheduled) {
            reclaimScheduled = true;
            timer.schedule(
                    () -> {
                        CompletableFuture<Void> unused = tasks.run(() -> {
                            reclaimScheduled = false;
                            checkpoints.queueIfReclaiming();
                        });
                    },
                    RECLAIM_AFTER_NANOS);
        }
    }
}
