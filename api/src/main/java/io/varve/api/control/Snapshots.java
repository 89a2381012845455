package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Snapshots as people know them, in the same order of steps as {@link Volumes}. Thread-safe. */
public final class Snapshots {
    private static final int GIB_SHIFT = 30;

    private static final Filters<SnapshotView> FILTERS = new Filters<SnapshotView>(
                    snapshot -> snapshot.entry().label())
            .one("snapshot-id", snapshot -> snapshot.record().id())
            .one("volume-id", snapshot -> snapshot.record().volumeId())
            .one("volume-size", snapshot -> snapshot.record().sizeBytes() >> GIB_SHIFT)
            .one("status", SnapshotView::state)
            .one("progress", snapshot -> "100%")
            .one("description", snapshot -> snapshot.entry().description())
            .one("start-time", snapshot -> snapshot.record().createdAt())
            .one("encrypted", snapshot -> false)
            .one("storage-tier", snapshot -> "standard");

    private final BlockStore store;
    private final Sequencer sequencer;
    private final RandomGenerator random;
    private final Ledger<SnapshotId, SnapshotEntry> entries;

    Snapshots(BlockStore store, Metadata metadata, Sequencer sequencer, Events events, RandomGenerator random) {
        this.store = store;
        this.sequencer = sequencer;
        this.random = random;
        entries = new Ledger<>(metadata.snapshots(), "snapshot", events);
    }

    /** All snapshots, oldest first. */
    public List<SnapshotView> list() {
        return store.snapshots().stream()
                .flatMap(record -> view(record).stream())
                .toList();
    }

    /** A part of the snapshots, oldest first. */
    public ListRequest.Page<SnapshotView> list(ListRequest request) {
        return request.page(
                "snapshots",
                store.snapshots(),
                SnapshotRecord::sequence,
                this::view,
                FILTERS.passing(request.filters()));
    }

    /** Fails with SNAPSHOT_NOT_FOUND. */
    public SnapshotView describe(SnapshotId id) {
        return find(id).orElseThrow(() -> notFound(id));
    }

    public Optional<SnapshotView> find(SnapshotId id) {
        return store.snapshot(id).flatMap(this::view);
    }

    private Optional<SnapshotView> view(SnapshotRecord record) {
        SnapshotEntry entry = entries.get(record.id());
        if (entry == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new SnapshotView(record, entry, store.usage(record.id())));
        } catch (StoreException e) {
            return Volumes.gone(e);
        }
    }

    /** Takes a snapshot, or finds the one that the same token took. */
    public CompletableFuture<SnapshotView> create(SnapshotRequest request) {
        SnapshotId id = SnapshotId.random(random);
        String order =
                request.clientToken().map(token -> "snapshot token " + token).orElse(id.toString());
        return sequencer.run(order, () -> createNow(id, request));
    }

    private SnapshotView createNow(SnapshotId id, SnapshotRequest request) {
        Optional<ClientToken> token = request.token();
        Optional<SnapshotEntry> earlier = entries.withToken(token);
        if (earlier.isPresent()) {
            return describe(earlier.get().id());
        }
        if (store.volume(request.of()).isEmpty()) {
            throw Volumes.notFound(request.of());
        }
        SnapshotEntry entry = new SnapshotEntry(id, Phase.CREATING, request.label(), request.description(), token);
        entries.put(entry);
        try {
            EngineCalls.await(store.createSnapshot(id, request.of()));
        } catch (StoreException e) {
            entries.remove(id);
            throw RequestException.of(e);
        }
        entries.settle(List.of(entry.with(Phase.READY)));
        return describe(id);
    }

    /**
     * Takes snapshots of several volumes at one instant, in the order of the request; all come about, or none. Finds those
     * that the same token took.
     */
    public CompletableFuture<List<SnapshotView>> createGroup(SnapshotGroupRequest request) {
        Map<VolumeId, SnapshotId> wanted = new LinkedHashMap<>();
        request.of().forEach(volume -> wanted.put(volume, SnapshotId.random(random)));
        String order =
                request.clientToken().map(token -> "group token " + token).orElse("group " + wanted.values());
        return sequencer.run(order, () -> createNow(wanted, request));
    }

    private List<SnapshotView> createNow(Map<VolumeId, SnapshotId> wanted, SnapshotGroupRequest request) {
        List<SnapshotView> earlier = IntStream.range(0, wanted.size())
                .mapToObj(request::token)
                .flatMap(token -> entries.withToken(token).stream())
                .flatMap(entry -> find(entry.id()).stream())
                .toList();
        if (!earlier.isEmpty()) {
            return earlier;
        }
        for (VolumeId volume : wanted.keySet()) {
            if (store.volume(volume).isEmpty()) {
                throw Volumes.notFound(volume);
            }
        }
        List<SnapshotEntry> begun = new ArrayList<>();
        for (SnapshotId id : wanted.values()) {
            Optional<ClientToken> token = request.token(begun.size());
            begun.add(new SnapshotEntry(id, Phase.CREATING, request.label(), request.description(), token));
        }
        entries.putAll(begun);
        try {
            EngineCalls.await(store.createSnapshots(wanted));
        } catch (StoreException e) {
            wanted.values().forEach(entries::remove);
            throw RequestException.of(e);
        }
        entries.settle(begun.stream().map(entry -> entry.with(Phase.READY)).toList());
        return wanted.values().stream().map(this::describe).toList();
    }

    /** Renames, describes or tags a snapshot. */
    public CompletableFuture<SnapshotView> change(SnapshotId id, SnapshotChange change, Precondition precondition) {
        return sequencer.run(id.toString(), () -> {
            SnapshotView before = describe(id);
            precondition.require(before.etag());
            SnapshotEntry old = before.entry();
            entries.put(old.with(
                    change.label().apply(old.label()), change.description().orElse(old.description())));
            return describe(id);
        });
    }

    /**
     * Deletes a snapshot; volumes restored from it stay.
     *
     * @param force disconnect its readers first instead of refusing
     */
    public CompletableFuture<Void> delete(
            SnapshotId id, boolean force, Precondition precondition, Connections connections) {
        return sequencer.run(id.toString(), () -> {
            deleteNow(id, force, precondition, connections);
            return null;
        });
    }

    private void deleteNow(SnapshotId id, boolean force, Precondition precondition, Connections connections) {
        SnapshotView snapshot = describe(id);
        precondition.require(snapshot.etag());
        if (store.inUse(id) && !force) {
            throw inUse(id);
        }
        entries.put(snapshot.entry().with(Phase.DELETING));
        try {
            if (force) {
                connections.disconnect(id).join();
            }
            EngineCalls.await(store.deleteSnapshot(id));
        } catch (StoreException e) {
            entries.put(snapshot.entry());
            throw e.kind() == StoreException.Kind.IN_USE ? inUse(id) : RequestException.of(e);
        }
        entries.remove(id);
    }

    private static RequestException inUse(SnapshotId id) {
        return new RequestException(
                ErrorCode.SNAPSHOT_IN_USE,
                "snapshot " + id + " is in use: disconnect its NBD readers first, or delete it with force=true");
    }

    static RequestException notFound(SnapshotId id) {
        return new RequestException(ErrorCode.SNAPSHOT_NOT_FOUND, "there is no snapshot " + id);
    }
}
