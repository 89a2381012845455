package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Start-up of the control plane: finishes or undoes what a crash left between the engine and the metadata. The engine
 * says what exists. A creation that reached it is finished, one that did not is undone; a deletion is always finished.
 * What copies were made by is deleted. What is provisional stays with the image or the instance that has it, else it is
 * deleted. An upload goes on where its volume is. Disk images that were being read or written are begun again by
 * {@link Imports} and {@link DiskImageExports}.
 */
final class Recovery {
    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    private final BlockStore store;
    private final Metadata metadata;
    private final Instant now;

    /** @param now by the wall clock */
    Recovery(BlockStore store, Metadata metadata, Instant now) {
        this.store = store;
        this.metadata = metadata;
        this.now = now;
    }

    void run() {
        Set<Object> known = new HashSet<>();
        Set<VolumeId> attached = new HashSet<>();
        metadata.instances()
                .all()
                .forEach(instance -> instance.attachments().forEach(one -> attached.add(one.volume())));
        for (VolumeEntry entry : metadata.volumes().all()) {
            settle(entry, attached);
            known.add(entry.id());
        }
        for (SnapshotEntry entry : metadata.snapshots().all()) {
            settle(entry);
            known.add(entry.id());
            entry.upload().ifPresent(upload -> known.add(upload.volume()));
        }
        for (ImportEntry entry : metadata.imports().all()) {
            settle(entry);
            known.add(entry.volume());
        }
        metadata.images().all().forEach(this::settle);
        settleProvisional();
        store.volumes().stream()
                .map(VolumeRecord::id)
                .filter(id -> !known.contains(id))
                .forEach(id -> {
                    LOG.warn("volume {} has no metadata; it keeps its data and is listed without a name", id);
                    metadata.volumes()
                            .put(VolumeEntry.begun(id, Phase.READY, Label.NONE, VolumeLimits.NONE, Optional.empty()));
                });
        store.snapshots().stream()
                .map(SnapshotRecord::id)
                .filter(id -> !known.contains(id))
                .forEach(id -> {
                    LOG.warn("snapshot {} has no metadata; it keeps its data and is listed without a name", id);
                    metadata.snapshots()
                            .put(SnapshotEntry.begun(id, Label.NONE, "", Optional.empty())
                                    .with(Phase.READY));
                });
    }

    private void settle(VolumeEntry entry, Set<VolumeId> attached) {
        entry.copy()
                .map(VolumeEntry.Copy::by)
                .flatMap(store::snapshot)
                .ifPresent(means -> EngineCalls.await(store.deleteSnapshot(means.id())));
        Optional<VolumeRecord> record = store.volume(entry.id());
        boolean stray = entry.phase() == Phase.PROVISIONAL && !attached.contains(entry.id());
        boolean goes = stray || entry.phase() == Phase.DELETING;
        if (record.isPresent() && goes) {
            EngineCalls.await(store.deleteVolume(entry.id()));
        }
        if (record.isEmpty() || goes) {
            forget(entry.id(), entry.phase());
            metadata.volumes().remove(entry.id());
            return;
        }
        if (entry.growingToBytes() > record.get().sizeBytes()) {
            EngineCalls.await(store.extendVolume(entry.id(), entry.growingToBytes()));
        }
        boolean begun = entry.phase() == Phase.CREATING || entry.phase() == Phase.PROVISIONAL;
        VolumeEntry done = (begun ? entry.with(Phase.READY) : entry).grown().completed(now);
        if (!done.equals(entry)) {
            metadata.volumes().put(done);
        }
    }

    private void settle(SnapshotEntry entry) {
        entry.copy()
                .map(SnapshotEntry.Copy::by)
                .flatMap(store::volume)
                .ifPresent(means -> EngineCalls.await(store.deleteVolume(means.id())));
        boolean exists = store.snapshot(entry.id()).isPresent();
        if (!exists && goesOn(entry)) {
            return;
        }
        entry.upload()
                .map(SnapshotEntry.Upload::volume)
                .flatMap(store::volume)
                .ifPresent(hidden -> EngineCalls.await(store.deleteVolume(hidden.id())));
        if (!exists && hasFailed(entry)) {
            return;
        }
        if (exists && entry.phase() == Phase.DELETING) {
            EngineCalls.await(store.deleteSnapshot(entry.id()));
        }
        if (!exists || entry.phase() == Phase.DELETING) {
            forget(entry.id(), entry.phase());
            metadata.snapshots().remove(entry.id());
        } else if (entry.phase() == Phase.CREATING) {
            metadata.snapshots().put(entry.with(Phase.READY));
        }
    }

    private boolean goesOn(SnapshotEntry entry) {
        return !hasFailed(entry)
                && entry.unfinished()
                        .flatMap(upload -> store.volume(upload.volume()))
                        .isPresent();
    }

    /** Only its deletion ends that. */
    private static boolean hasFailed(SnapshotEntry entry) {
        return entry.unfinished().flatMap(SnapshotEntry.Upload::failure).isPresent();
    }

    /** An import whose snapshot came about is completed; one whose volume is gone begins anew, that of a disk image always. */
    private void settle(ImportEntry entry) {
        if (entry.completed()) {
            return;
        }
        if (store.snapshot(entry.snapshot()).isPresent()) {
            store.volume(entry.volume()).ifPresent(hidden -> EngineCalls.await(store.deleteVolume(hidden.id())));
            metadata.imports().put(entry.done());
        } else if (entry.image().isPresent()) {
            store.volume(entry.volume()).ifPresent(hidden -> EngineCalls.await(store.deleteVolume(hidden.id())));
        } else if (entry.progress().receivedBytes() > 0
                && store.volume(entry.volume()).isEmpty()) {
            metadata.imports().put(entry.with(entry.source(), ImportEntry.Progress.NONE, entry.touchedAt()));
        }
    }

    /** Comes after the images: those that are left use what they use. */
    private void settleProvisional() {
        Set<SnapshotId> used = new HashSet<>();
        metadata.images().all().forEach(image -> used.addAll(image.snapshots()));
        for (SnapshotEntry entry : metadata.snapshots().all()) {
            if (entry.phase() == Phase.PROVISIONAL && used.contains(entry.id())) {
                metadata.snapshots().put(entry.with(Phase.READY));
            } else if (entry.phase() == Phase.PROVISIONAL) {
                EngineCalls.await(store.deleteSnapshot(entry.id()));
                metadata.snapshots().remove(entry.id());
            }
        }
    }

    /** A registration counts if nobody deleted a snapshot of it before it could say that it uses it. */
    private void settle(ImageEntry entry) {
        if (entry.phase() != Phase.CREATING) {
            return;
        }
        Set<SnapshotId> there = new HashSet<>();
        metadata.snapshots().all().stream()
                .filter(snapshot -> snapshot.phase() == Phase.READY || snapshot.phase() == Phase.PROVISIONAL)
                .forEach(snapshot -> there.add(snapshot.id()));
        if (there.containsAll(entry.snapshots())) {
            metadata.images().put(entry.with(Phase.READY));
        } else {
            metadata.images().remove(entry.id());
        }
    }

    private static void forget(Object id, Phase phase) {
        if (phase == Phase.READY) {
            LOG.warn("{} is in the metadata but not in the store; it is forgotten", id);
        }
    }
}
