package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeUsage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Snapshots as people know them, in the same order of steps as {@link Volumes}. Thread-safe. */
public final class Snapshots {
    private static final int GIB_SHIFT = 30;

    private static final Filters<SnapshotView> FILTERS = new Filters<SnapshotView>(
                    snapshot -> snapshot.entry().label())
            .one("snapshot-id", snapshot -> snapshot.record().id())
            .one("volume-id", SnapshotView::volumeId)
            .one("volume-size", snapshot -> snapshot.record().sizeBytes() >> GIB_SHIFT)
            .one("status", SnapshotView::state)
            .one("progress", snapshot -> snapshot.progressPercent() + "%")
            .one("description", snapshot -> snapshot.entry().description())
            .one("start-time", SnapshotView::startTime)
            .one("encrypted", snapshot -> false)
            .one("storage-tier", snapshot -> "standard")
            .many("lock-state", snapshot -> snapshot.lockState().stream())
            .many(
                    "source-snapshot-id",
                    snapshot -> snapshot.entry().copy().stream().map(SnapshotEntry.Copy::of));

    private final ControlParts parts;
    private final BlockStore store;
    private final Ledger<SnapshotId, SnapshotEntry> entries;
    private final Removal<SnapshotId, SnapshotEntry> removal;
    private final SnapshotCreation creation;
    private final Uploads uploads;
    private final UnfinishedUploads unfinished;
    private final SnapshotBlocks blocks;

    Snapshots(
            ControlParts parts,
            RetentionRules rules,
            SnapshotCreation creation,
            Uploads uploads,
            SnapshotBlocks blocks) {
        this.creation = creation;
        this.parts = parts;
        this.uploads = uploads;
        unfinished = new UnfinishedUploads(parts);
        this.blocks = blocks;
        store = parts.store();
        entries = parts.snapshots();
        removal = new Removal<>(entries, rules, RetentionRule.Resource.SNAPSHOT, new Target());
    }

    /** All snapshots, oldest first; those that are still being uploaded come last. */
    public List<SnapshotView> list() {
        return records().stream().flatMap(record -> view(record).stream()).toList();
    }

    private List<SnapshotRecord> records() {
        List<SnapshotRecord> pending = unfinished.all(); // first: one that is completed meanwhile is in the other list
        List<SnapshotRecord> stored = store.snapshots();
        if (pending.isEmpty()) {
            return stored;
        }
        Set<SnapshotId> there = stored.stream().map(SnapshotRecord::id).collect(Collectors.toSet());
        return Stream.concat(stored.stream(), pending.stream().filter(record -> !there.contains(record.id())))
                .toList();
    }

    /** A part of the snapshots, in the order of {@link #list()}. */
    public ListRequest.Page<SnapshotView> list(ListRequest request) {
        return request.page(
                "snapshots",
                request.asked(records(), SnapshotRecord::id),
                SnapshotRecord::sequence,
                this::view,
                FILTERS.passing(request.filters()));
    }

    /** A part of the snapshots that have a lock, or had one that has expired, oldest first. */
    public ListRequest.Page<SnapshotView> listLocked(ListRequest request) {
        return request.page(
                "locked snapshots",
                request.asked(store.snapshots(), SnapshotRecord::id),
                SnapshotRecord::sequence,
                record -> view(record).filter(view -> view.entry().lock().isPresent()),
                FILTERS.passing(request.filters()));
    }

    /** A part of the snapshots in the recycle bin, oldest first. */
    public ListRequest.Page<SnapshotView> listRecycled(ListRequest request) {
        return request.page(
                "recycled snapshots",
                request.asked(store.snapshots(), SnapshotRecord::id),
                SnapshotRecord::sequence,
                record -> view(record, phase -> phase == Phase.RECYCLED),
                FILTERS.passing(request.filters()));
    }

    /** Fails with SNAPSHOT_NOT_FOUND. */
    public SnapshotView describe(SnapshotId id) {
        return find(id).orElseThrow(() -> notFound(id));
    }

    /** Fails with SNAPSHOT_NOT_FOUND, or INCORRECT_STATE while it is being uploaded. */
    SnapshotView completed(SnapshotId id) {
        parts.requireSnapshot(id);
        return describe(id);
    }

    static RequestException unfinished(SnapshotEntry entry) {
        return new RequestException(
                ErrorCode.INCORRECT_STATE,
                "snapshot %s is %s: it can be used once it is completed".formatted(entry.id(), entry.state()));
    }

    public Optional<SnapshotView> find(SnapshotId id) {
        return store.snapshot(id).or(() -> unfinished.find(id)).flatMap(this::view);
    }

    private Optional<SnapshotView> view(SnapshotRecord record) {
        return view(record, Phase::isShown);
    }

    private Optional<SnapshotView> view(SnapshotRecord record, Predicate<Phase> wanted) {
        SnapshotEntry entry = entries.get(record.id());
        if (entry == null || !wanted.test(entry.phase())) {
            return Optional.empty();
        }
        try {
            boolean stored =
                    entry.unfinished().isEmpty() || store.snapshot(record.id()).isPresent();
            VolumeUsage usage = stored ? store.usage(record.id()) : unfinished.usage(entry);
            return Optional.of(
                    new SnapshotView(record, entry, usage, parts.clock().instant()));
        } catch (StoreException e) {
            return Volumes.gone(e);
        }
    }

    /** Takes a snapshot, or finds the one that the same token took. */
    public CompletableFuture<SnapshotView> create(SnapshotRequest request) {
        SnapshotId id = SnapshotId.random(parts.random());
        return parts.sequencer().run(turn(request.clientToken(), id), () -> describe(creation.create(id, request)));
    }

    /**
     * Makes a snapshot that reads as another, with a life and a label of its own, or finds the one of the same token.
     */
    public CompletableFuture<SnapshotView> copy(SnapshotCopyRequest request) {
        SnapshotId id = SnapshotId.random(parts.random());
        return parts.sequencer().run(turn(request.clientToken(), id), () -> describe(creation.copy(id, request)));
    }

    private static String turn(Optional<String> clientToken, SnapshotId id) {
        return clientToken.map(token -> "snapshot token " + token).orElse(id.toString());
    }

    /**
     * Takes snapshots of several volumes at one instant, in the order of the request; all come about, or none. Finds
     * those that the same token took.
     */
    public CompletableFuture<List<SnapshotView>> createGroup(SnapshotGroupRequest request) {
        Map<VolumeId, SnapshotId> wanted = creation.draw(request.of());
        String order =
                request.clientToken().map(token -> "group token " + token).orElse("group " + wanted.values());
        return parts.sequencer()
                .run(
                        order,
                        () -> creation.createGroup(wanted, request).stream()
                                .flatMap(id -> find(id).stream())
                                .toList());
    }

    /** Renames, describes or tags a snapshot. */
    public CompletableFuture<SnapshotView> change(SnapshotId id, SnapshotChange change, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            SnapshotView before = describe(id);
            precondition.require(before.etag());
            SnapshotEntry old = before.entry();
            entries.put(old.with(
                    change.label().apply(old.label()), change.description().orElse(old.description())));
            return describe(id);
        });
    }

    /**
     * Deletes a snapshot, or puts it into the recycle bin if a rule keeps it; volumes restored from it stay. Fails with
     * OPERATION_NOT_PERMITTED while it is locked, SNAPSHOT_IN_USE while an image uses it or it is written to a disk
     * image.
     *
     * @param force disconnect its readers first instead of refusing
     */
    public CompletableFuture<Void> delete(
            SnapshotId id, boolean force, Precondition precondition, Connections connections) {
        return parts.sequencer().run(id.toString(), () -> {
            SnapshotView snapshot = describe(id);
            precondition.require(snapshot.etag());
            if (snapshot.entry().unfinished().isPresent()) {
                uploads.discard(id);
                return null;
            }
            if (snapshot.isLocked()) {
                throw locked(id, snapshot.entry().lock().orElseThrow());
            }
            parts.imageOf(id).ifPresent(image -> {
                throw new RequestException(
                        ErrorCode.SNAPSHOT_IN_USE,
                        "snapshot %s is in use by image %s: deregister that first".formatted(id, image.id()));
            });
            parts.exportOf(id).ifPresent(export -> {
                throw new RequestException(
                        ErrorCode.SNAPSHOT_IN_USE,
                        "snapshot %s is being written to a disk image: delete %s first".formatted(id, export.id()));
            });
            blocks.letGo(id);
            removal.remove(snapshot.entry(), force, connections);
            return null;
        });
    }

    private static RequestException locked(SnapshotId id, SnapshotLock lock) {
        return new RequestException(
                ErrorCode.OPERATION_NOT_PERMITTED, "snapshot %s is locked until %s".formatted(id, lock.expiresAt()));
    }

    /** Locks a snapshot, or replaces its lock. */
    public CompletableFuture<SnapshotView> lock(
            SnapshotId id, SnapshotLock.Request request, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            SnapshotView snapshot = completed(id);
            precondition.require(snapshot.etag());
            SnapshotLock lock = SnapshotLock.replace(
                    snapshot.entry().lock(), request, parts.clock().instant());
            entries.put(snapshot.entry().locked(Optional.of(lock)));
            return describe(id);
        });
    }

    /** Takes a lock off. Fails with OPERATION_NOT_PERMITTED if it has cooled off, INCORRECT_STATE if there is none. */
    public CompletableFuture<SnapshotView> unlock(SnapshotId id, Precondition precondition) {
        return parts.sequencer().run(id.toString(), () -> {
            SnapshotView snapshot = describe(id);
            precondition.require(snapshot.etag());
            SnapshotLock lock = snapshot.entry()
                    .lock()
                    .orElseThrow(
                            () -> new RequestException(ErrorCode.INCORRECT_STATE, "snapshot " + id + " is not locked"));
            if (lock.isFirm(parts.clock().instant())) {
                throw locked(id, lock);
            }
            entries.put(snapshot.entry().locked(Optional.empty()));
            return describe(id);
        });
    }

    /** Takes a snapshot out of the recycle bin. Fails with SNAPSHOT_NOT_FOUND if it is not there. */
    public CompletableFuture<SnapshotView> restore(SnapshotId id) {
        return parts.sequencer().run(id.toString(), () -> {
            removal.restore(id);
            return describe(id);
        });
    }

    /** Deletes a snapshot in the recycle bin for good. Fails with SNAPSHOT_NOT_FOUND or OPERATION_NOT_PERMITTED. */
    public CompletableFuture<Void> purge(SnapshotId id) {
        return parts.sequencer().run(id.toString(), () -> {
            removal.purge(id);
            return null;
        });
    }

    /** Deletes what has been in the recycle bin long enough. Blocks. */
    void expire() {
        removal.expireAll(parts.sequencer());
    }

    private static RequestException inUse(SnapshotId id) {
        return new RequestException(
                ErrorCode.SNAPSHOT_IN_USE,
                "snapshot " + id + " is in use: disconnect its NBD readers first, or delete it with force=true");
    }

    static RequestException notFound(SnapshotId id) {
        return new RequestException(ErrorCode.SNAPSHOT_NOT_FOUND, "there is no snapshot " + id);
    }

    private final class Target implements Removal.Target<SnapshotId> {
        @Override
        public boolean inUse(SnapshotId id) {
            return store.inUse(id);
        }

        @Override
        public CompletableFuture<Void> delete(SnapshotId id) {
            return store.deleteSnapshot(id);
        }

        @Override
        public CompletableFuture<Void> disconnect(SnapshotId id, Connections connections) {
            return connections.disconnect(id);
        }

        @Override
        public RequestException busy(SnapshotId id) {
            return Snapshots.inUse(id);
        }

        @Override
        public RequestException notFound(SnapshotId id) {
            return Snapshots.notFound(id);
        }
    }
}
