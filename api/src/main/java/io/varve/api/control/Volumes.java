package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Volumes as people know them. What creates, changes or deletes one is first written down as an intent, then done by
 * the engine, then written down as done; {@link Recovery} finishes or undoes what a crash left between. Thread-safe.
 */
public final class Volumes {
    private static final Logger LOG = LoggerFactory.getLogger(Volumes.class);
    private static final int GIB_SHIFT = 30;
    private static final String KIND = "volume";

    private static final Filters<VolumeView> FILTERS = new Filters<VolumeView>(
                    volume -> volume.entry().label())
            .one("volume-id", volume -> volume.record().id())
            .one("volume-type", volume -> volume.entry().limits().volumeType())
            .one("status", VolumeView::state)
            .one("size", volume -> volume.record().sizeBytes() >> GIB_SHIFT)
            .one("create-time", volume -> volume.record().createdAt())
            .one("encrypted", volume -> false)
            .many("snapshot-id", volume -> volume.record().origin().stream());

    /** Readers that were half-way through their handshake when a forced deletion began can still turn up. */
    private static final int DISCONNECT_ROUNDS = 3;

    private final BlockStore store;
    private final Sequencer sequencer;
    private final RandomGenerator random;
    private final Events events;
    private final Ledger<VolumeId, VolumeEntry> entries;

    /** Those that were in use when this was last looked at. By {@link #watchUse} only. */
    private final Set<VolumeId> inUse = new HashSet<>();

    Volumes(BlockStore store, Metadata metadata, Sequencer sequencer, Events events, RandomGenerator random) {
        this.store = store;
        this.sequencer = sequencer;
        this.random = random;
        this.events = events;
        entries = new Ledger<>(metadata.volumes(), KIND, events);
        entries.all().forEach(entry -> store.limit(entry.id(), entry.limits().qos()));
    }

    /** All volumes, oldest first. */
    public List<VolumeView> list() {
        return store.volumes().stream().flatMap(record -> view(record).stream()).toList();
    }

    /** A part of the volumes, oldest first. */
    public ListRequest.Page<VolumeView> list(ListRequest request) {
        return request.page(
                "volumes", store.volumes(), VolumeRecord::sequence, this::view, FILTERS.passing(request.filters()));
    }

    /** Fails with VOLUME_NOT_FOUND. */
    public VolumeView describe(VolumeId id) {
        return find(id).orElseThrow(() -> notFound(id));
    }

    /** A volume that may be opened. */
    public Optional<VolumeView> find(VolumeId id) {
        return store.volume(id).flatMap(this::view);
    }

    private Optional<VolumeView> view(VolumeRecord record) {
        VolumeEntry entry = entries.get(record.id());
        if (entry == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new VolumeView(record, entry, store.inUse(record.id()), store.usage(record.id())));
        } catch (StoreException e) {
            return gone(e);
        }
    }

    /** Tells whose use by NBD clients has begun or ended since the last call. One thread at a time. */
    void watchUse() {
        for (VolumeEntry entry : entries.all()) {
            boolean now = entry.phase() == Phase.READY && store.inUse(entry.id());
            boolean changed = now ? inUse.add(entry.id()) : inUse.remove(entry.id());
            if (changed && entry.phase() == Phase.READY) {
                events.publish(KIND, entry.id(), now ? "in-use" : entry.state());
            }
        }
        inUse.removeIf(id -> entries.get(id) == null);
    }

    /** What was found may be deleted before it is looked at. */
    static <T> Optional<T> gone(StoreException e) {
        if (e.kind() == StoreException.Kind.VOLUME_NOT_FOUND || e.kind() == StoreException.Kind.SNAPSHOT_NOT_FOUND) {
            return Optional.empty();
        }
        throw e;
    }

    /** Creates a volume, or finds the one that the same token created. */
    public CompletableFuture<VolumeView> create(VolumeRequest request) {
        VolumeId id = VolumeId.random(random);
        String order =
                request.clientToken().map(token -> "volume token " + token).orElse(id.toString());
        return sequencer.run(order, () -> createNow(id, request));
    }

    private VolumeView createNow(VolumeId id, VolumeRequest request) {
        Optional<ClientToken> token = request.token();
        Optional<VolumeEntry> earlier = entries.withToken(token);
        if (earlier.isPresent()) {
            return describe(earlier.get().id());
        }
        long sizeBytes = sizeBytes(request);
        VolumeEntry entry = new VolumeEntry(id, Phase.CREATING, request.label(), request.limits(), 0, token);
        entries.put(entry);
        try {
            if (request.from().isPresent()) {
                EngineCalls.await(
                        store.cloneVolume(id, sizeBytes, request.from().get(), request.compression()));
            } else {
                EngineCalls.await(store.createVolume(id, sizeBytes, request.compression()));
            }
        } catch (StoreException e) {
            entries.remove(id);
            throw RequestException.of(e);
        }
        store.limit(id, entry.limits().qos());
        entries.settle(List.of(entry.with(Phase.READY)));
        return describe(id);
    }

    private long sizeBytes(VolumeRequest request) {
        if (request.from().isEmpty()) {
            return request.sizeGiB()
                    .map(Volumes::bytes)
                    .orElseThrow(() -> new RequestException(
                            ErrorCode.MISSING_PARAMETER, "sizeGiB or snapshotId is needed: neither was given"));
        }
        var snapshot = store.snapshot(request.from().get())
                .orElseThrow(() -> Snapshots.notFound(request.from().get()));
        long sizeBytes = request.sizeGiB().map(Volumes::bytes).orElse(snapshot.sizeBytes());
        if (sizeBytes < snapshot.sizeBytes()) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "sizeGiB %d is smaller than snapshot %s, which has %d GiB"
                            .formatted(sizeBytes >> GIB_SHIFT, snapshot.id(), snapshot.sizeBytes() >> GIB_SHIFT));
        }
        return sizeBytes;
    }

    private static long bytes(int sizeGiB) {
        return (long) sizeGiB << GIB_SHIFT;
    }

    /** Grows, renames, tags or throttles a volume, or sets what of it is compressed. */
    public CompletableFuture<VolumeView> change(VolumeId id, VolumeChange change, Precondition precondition) {
        return sequencer.run(id.toString(), () -> changeNow(id, change, precondition));
    }

    private VolumeView changeNow(VolumeId id, VolumeChange change, Precondition precondition) {
        VolumeView before = describe(id);
        precondition.require(before.etag());
        if (change.compression().isPresent()) {
            try {
                EngineCalls.await(store.setCompression(id, change.compression().get()));
            } catch (StoreException e) {
                throw RequestException.of(e);
            }
        }
        VolumeEntry old = before.entry();
        long growingToBytes = growth(before.record(), change.sizeGiB());
        VolumeEntry changed =
                old.with(change.label().apply(old.label()), change.limits().apply(old.limits()), growingToBytes);
        entries.put(changed);
        if (growingToBytes > 0) {
            try {
                EngineCalls.await(store.extendVolume(id, growingToBytes));
            } catch (StoreException e) {
                entries.put(old);
                throw RequestException.of(e);
            }
            entries.put(changed.grown());
        }
        store.limit(id, changed.limits().qos());
        return describe(id);
    }

    private static long growth(VolumeRecord record, Optional<Integer> sizeGiB) {
        long wanted = sizeGiB.map(Volumes::bytes).orElse(record.sizeBytes());
        if (wanted < record.sizeBytes()) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "sizeGiB %d is smaller than volume %s, which has %d GiB: volumes only grow"
                            .formatted(wanted >> GIB_SHIFT, record.id(), record.sizeBytes() >> GIB_SHIFT));
        }
        return wanted == record.sizeBytes() ? 0 : wanted;
    }

    /**
     * Deletes a volume; its snapshots stay.
     *
     * @param force disconnect its clients first instead of refusing
     */
    public CompletableFuture<Void> delete(
            VolumeId id, boolean force, Precondition precondition, Connections connections) {
        return sequencer.run(id.toString(), () -> {
            deleteNow(id, force, precondition, connections);
            return null;
        });
    }

    private void deleteNow(VolumeId id, boolean force, Precondition precondition, Connections connections) {
        VolumeView volume = describe(id);
        precondition.require(volume.etag());
        if (volume.inUse() && !force) {
            throw inUse(id);
        }
        entries.put(volume.entry().with(Phase.DELETING));
        try {
            deleteFromStore(id, force ? DISCONNECT_ROUNDS : 0, connections);
        } catch (StoreException e) {
            entries.put(volume.entry());
            throw e.kind() == StoreException.Kind.IN_USE ? inUse(id) : RequestException.of(e);
        }
        entries.remove(id);
    }

    private void deleteFromStore(VolumeId id, int disconnectRounds, Connections connections) {
        if (disconnectRounds > 0) {
            connections.disconnect(id).join();
        }
        try {
            EngineCalls.await(store.deleteVolume(id));
        } catch (StoreException e) {
            if (e.kind() != StoreException.Kind.IN_USE || disconnectRounds <= 1) {
                throw e;
            }
            LOG.info("volume {} was opened while it is being deleted; disconnecting again", id);
            deleteFromStore(id, disconnectRounds - 1, connections);
        }
    }

    private static RequestException inUse(VolumeId id) {
        return new RequestException(
                ErrorCode.VOLUME_IN_USE,
                "volume " + id + " is in use: disconnect its NBD clients first, or delete it with force=true");
    }

    static RequestException notFound(VolumeId id) {
        return new RequestException(ErrorCode.VOLUME_NOT_FOUND, "there is no volume " + id);
    }
}
