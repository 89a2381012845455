package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;

/** Snapshots as people know them, in the same order of steps as {@link Volumes}. Thread-safe. */
public final class Snapshots {
    private final BlockStore store;
    private final Metadata metadata;
    private final Sequencer sequencer;
    private final RandomGenerator random;
    private final Map<SnapshotId, SnapshotEntry> entries = new ConcurrentHashMap<>();

    Snapshots(BlockStore store, Metadata metadata, Sequencer sequencer, RandomGenerator random) {
        this.store = store;
        this.metadata = metadata;
        this.sequencer = sequencer;
        this.random = random;
        metadata.snapshots().forEach(entry -> entries.put(entry.id(), entry));
    }

    /** All snapshots, oldest first. */
    public List<SnapshotView> list() {
        return store.snapshots().stream()
                .flatMap(record -> view(record).stream())
                .toList();
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
        Optional<SnapshotEntry> earlier = token.flatMap(this::withToken);
        if (earlier.isPresent()) {
            return describe(earlier.get().id());
        }
        if (store.volume(request.of()).isEmpty()) {
            throw Volumes.notFound(request.of());
        }
        SnapshotEntry entry = new SnapshotEntry(id, Phase.CREATING, request.label(), request.description(), token);
        put(entry);
        try {
            EngineCalls.await(store.createSnapshot(id, request.of()));
        } catch (StoreException e) {
            remove(id);
            throw RequestException.of(e);
        }
        put(entry.with(Phase.READY));
        return describe(id);
    }

    /** Takes snapshots of several volumes at one instant, in the order of the request; all come about, or none. */
    public CompletableFuture<List<SnapshotView>> createGroup(SnapshotGroupRequest request) {
        Map<VolumeId, SnapshotId> wanted = new LinkedHashMap<>();
        request.of().forEach(volume -> wanted.put(volume, SnapshotId.random(random)));
        return sequencer.run("group " + wanted.values(), () -> createNow(wanted, request));
    }

    private List<SnapshotView> createNow(Map<VolumeId, SnapshotId> wanted, SnapshotGroupRequest request) {
        for (VolumeId volume : wanted.keySet()) {
            if (store.volume(volume).isEmpty()) {
                throw Volumes.notFound(volume);
            }
        }
        List<SnapshotEntry> begun = wanted.values().stream()
                .map(id ->
                        new SnapshotEntry(id, Phase.CREATING, request.label(), request.description(), Optional.empty()))
                .toList();
        begun.forEach(this::put);
        try {
            EngineCalls.await(store.createSnapshots(wanted));
        } catch (StoreException e) {
            wanted.values().forEach(this::remove);
            throw RequestException.of(e);
        }
        begun.forEach(entry -> put(entry.with(Phase.READY)));
        return wanted.values().stream().map(this::describe).toList();
    }

    private Optional<SnapshotEntry> withToken(ClientToken token) {
        Optional<SnapshotEntry> earlier = entries.values().stream()
                .filter(entry -> entry.clientToken()
                        .map(ClientToken::token)
                        .filter(token.token()::equals)
                        .isPresent())
                .findFirst();
        earlier.flatMap(SnapshotEntry::clientToken).ifPresent(before -> TokenCheck.requireSame(before, token));
        return earlier;
    }

    /**
     * Deletes a snapshot; volumes restored from it stay.
     *
     * @param force disconnect its readers first instead of refusing
     */
    public CompletableFuture<Void> delete(SnapshotId id, boolean force, Connections connections) {
        return sequencer.run(id.toString(), () -> {
            deleteNow(id, force, connections);
            return null;
        });
    }

    private void deleteNow(SnapshotId id, boolean force, Connections connections) {
        SnapshotView snapshot = describe(id);
        if (store.inUse(id) && !force) {
            throw inUse(id);
        }
        put(snapshot.entry().with(Phase.DELETING));
        try {
            if (force) {
                connections.disconnect(id).join();
            }
            EngineCalls.await(store.deleteSnapshot(id));
        } catch (StoreException e) {
            put(snapshot.entry());
            throw e.kind() == StoreException.Kind.IN_USE ? inUse(id) : RequestException.of(e);
        }
        remove(id);
    }

    private void put(SnapshotEntry entry) {
        metadata.put(entry);
        entries.put(entry.id(), entry);
    }

    private void remove(SnapshotId id) {
        metadata.remove(id);
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
