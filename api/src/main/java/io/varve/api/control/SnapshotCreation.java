package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How snapshots come about, in the same order of steps as in {@link VolumeCreation}. Those that an image will have are
 * {@linkplain Phase#PROVISIONAL provisional} until it is written down. Runs on control threads; blocks. Fails with
 * {@link RequestException}.
 */
final class SnapshotCreation {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotCreation.class);

    private final ControlParts parts;
    private final BlockStore store;
    private final Ledger<SnapshotId, SnapshotEntry> entries;

    SnapshotCreation(ControlParts parts) {
        this.parts = parts;
        store = parts.store();
        entries = parts.snapshots();
    }

    /** A copy that can be made as far as anybody knows. */
    private record Copying(SnapshotEntry entry, long sizeBytes) {}

    /** Draws an id for the snapshot of each volume, in the same order. */
    Map<VolumeId, SnapshotId> draw(Collection<VolumeId> volumes) {
        Map<VolumeId, SnapshotId> wanted = new LinkedHashMap<>();
        volumes.forEach(volume -> wanted.put(volume, SnapshotId.random(parts.random())));
        return wanted;
    }

    /** Takes a snapshot, or finds the one that the same token took; in the token's turn. */
    SnapshotId create(SnapshotId id, SnapshotRequest request) {
        Optional<ClientToken> token = request.token();
        Optional<SnapshotEntry> earlier = entries.withToken(token);
        if (earlier.isPresent()) {
            return earlier.get().id();
        }
        parts.requireVolume(request.of());
        SnapshotEntry entry = SnapshotEntry.begun(id, request.label(), request.description(), token);
        entries.put(entry);
        try {
            EngineCalls.await(store.createSnapshot(id, request.of()));
        } catch (StoreException e) {
            entries.remove(id);
            throw RequestException.of(e);
        }
        settle(List.of(id));
        return id;
    }

    /** Makes a snapshot that reads as another, or finds the one of the same token; in the token's turn. */
    SnapshotId copy(SnapshotId id, SnapshotCopyRequest request) {
        Optional<SnapshotEntry> earlier = entries.withToken(request.token());
        if (earlier.isPresent()) {
            return earlier.get().id();
        }
        Copying plan = plan(id, request, Phase.CREATING);
        entries.put(plan.entry());
        try {
            make(plan);
        } catch (StoreException e) {
            abandon(plan.entry());
            throw RequestException.of(e);
        }
        settle(List.of(id));
        return id;
    }

    /** Makes copies that nobody sees until they are {@linkplain #settle settled}, or none. */
    void beginCopies(Map<SnapshotId, SnapshotCopyRequest> wanted) {
        List<Copying> plan = new ArrayList<>();
        wanted.forEach((id, request) -> plan.add(plan(id, request, Phase.PROVISIONAL)));
        entries.putAll(plan.stream().map(Copying::entry).toList());
        try {
            plan.forEach(this::make);
        } catch (StoreException e) {
            takeBack(wanted.keySet());
            throw RequestException.of(e);
        }
    }

    private Copying plan(SnapshotId id, SnapshotCopyRequest request, Phase phase) {
        SnapshotId of = request.of();
        parts.requireSnapshot(of);
        SnapshotRecord record = store.snapshot(of).orElseThrow(() -> Snapshots.notFound(of));
        VolumeId volume = entries.find(of)
                .flatMap(SnapshotEntry::copy)
                .map(SnapshotEntry.Copy::volume)
                .orElse(record.volumeId());
        SnapshotEntry entry = SnapshotEntry.begun(id, request.label(), request.description(), request.token())
                .with(new SnapshotEntry.Copy(of, volume, VolumeId.random(parts.random())))
                .with(phase);
        return new Copying(entry, record.sizeBytes());
    }

    /** A snapshot of a clone, which nobody sees and which goes again. */
    private void make(Copying plan) {
        SnapshotEntry.Copy copy = plan.entry().copy().orElseThrow();
        EngineCalls.await(store.cloneVolume(copy.by(), plan.sizeBytes(), copy.of()));
        try {
            EngineCalls.await(store.createSnapshot(plan.entry().id(), copy.by()));
        } finally {
            EngineCalls.await(store.deleteVolume(copy.by()));
        }
    }

    /** Forgets a creation that failed, unless the engine has something of it: that is left to the next start. */
    private void abandon(SnapshotEntry entry) {
        if (store.snapshot(entry.id()).isEmpty()
                && entry.copy().flatMap(copy -> store.volume(copy.by())).isEmpty()) {
            entries.remove(entry.id());
        }
    }

    /** Takes snapshots at one instant, all or none, or finds those that the same token took; in the token's turn. */
    List<SnapshotId> createGroup(Map<VolumeId, SnapshotId> wanted, SnapshotGroupRequest request) {
        List<SnapshotId> earlier = IntStream.range(0, wanted.size())
                .mapToObj(request::token)
                .flatMap(token -> entries.withToken(token).stream())
                .map(SnapshotEntry::id)
                .toList();
        if (!earlier.isEmpty()) {
            return earlier;
        }
        makeGroup(wanted, request, Phase.CREATING);
        settle(wanted.values());
        return List.copyOf(wanted.values());
    }

    /** Takes snapshots at one instant that nobody sees until they are {@linkplain #settle settled}, or none. */
    void beginGroup(Map<VolumeId, SnapshotId> wanted, SnapshotGroupRequest request) {
        makeGroup(wanted, request, Phase.PROVISIONAL);
    }

    private void makeGroup(Map<VolumeId, SnapshotId> wanted, SnapshotGroupRequest request, Phase phase) {
        List<SnapshotEntry> begun = new ArrayList<>();
        wanted.forEach((volume, id) -> {
            Optional<ClientToken> token = request.token(begun.size());
            begun.add(SnapshotEntry.begun(id, label(volume, request), request.description(), token)
                    .with(phase));
        });
        entries.putAll(begun);
        try {
            EngineCalls.await(store.createSnapshots(wanted));
        } catch (StoreException e) {
            wanted.values().forEach(entries::remove);
            throw RequestException.of(e);
        }
    }

    /** Fails with VOLUME_NOT_FOUND or TAG_LIMIT_EXCEEDED. */
    private Label label(VolumeId volume, SnapshotGroupRequest request) {
        parts.requireVolume(volume);
        return parts.volumes().find(volume).map(request::label).orElseThrow(() -> Volumes.notFound(volume));
    }

    /** Says that snapshots are there for everybody. What says that they are wanted is durable already. */
    void settle(Collection<SnapshotId> ids) {
        entries.settle(ids.stream()
                .flatMap(id -> entries.find(id).stream())
                .map(entry -> entry.with(Phase.READY))
                .toList());
    }

    /** Deletes those that are still provisional and of no image. What cannot be deleted now goes at the next start. */
    void takeBack(Collection<SnapshotId> ids) {
        ids.stream()
                .flatMap(id -> entries.find(id).stream())
                .filter(entry -> entry.phase() == Phase.PROVISIONAL
                        && parts.imageOf(entry.id()).isEmpty())
                .forEach(this::takeBack);
    }

    private void takeBack(SnapshotEntry entry) {
        try {
            if (store.snapshot(entry.id()).isPresent()) {
                EngineCalls.await(store.deleteSnapshot(entry.id()));
            }
            abandon(entry);
        } catch (StoreException e) {
            LOG.warn("{} was made in vain and goes at the next start: {}", entry.id(), e.getMessage());
        }
    }
}
