package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How volumes come about. One is written down as being created, made by the engine, and written down as ready. Several
 * that belong together are written down as {@linkplain Phase#PROVISIONAL provisional}, made, and become ready in one
 * commit; until then nobody sees them. Runs on control threads; blocks. Fails with {@link RequestException}.
 */
final class VolumeCreation {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeCreation.class);
    private static final int GIB_SHIFT = 30;

    private final ControlParts parts;
    private final VolumeShares shares;
    private final BlockStore store;
    private final Ledger<VolumeId, VolumeEntry> entries;

    VolumeCreation(ControlParts parts, VolumeShares shares) {
        this.parts = parts;
        this.shares = shares;
        store = parts.store();
        entries = parts.volumes();
    }

    /** A volume that can be made as far as anybody knows. */
    private record Planned(VolumeEntry entry, long sizeBytes, VolumeRequest request) {}

    /** Creates a volume, or finds the one that the same token created; in the token's turn. */
    VolumeId create(VolumeId id, VolumeRequest request) {
        Optional<VolumeEntry> earlier = entries.withToken(request.token());
        if (earlier.isPresent()) {
            return earlier.get().id();
        }
        Planned plan = plan(id, request, Phase.CREATING);
        entries.put(plan.entry());
        try {
            if (plan.entry().copy().isPresent()) {
                makeCopy(plan, plan.entry().copy().get());
            } else {
                EngineCalls.await(make(plan));
            }
        } catch (StoreException e) {
            abandon(plan.entry());
            throw RequestException.of(e);
        }
        settle(List.of(id));
        return id;
    }

    /**
     * Creates volumes, all or none, or finds those that the same tokens created; in a turn that all these tokens share.
     */
    List<VolumeId> createAll(List<VolumeRequest> requests) {
        List<VolumeId> all = new ArrayList<>();
        Map<VolumeId, VolumeRequest> missing = new LinkedHashMap<>();
        for (VolumeRequest request : requests) {
            Optional<VolumeEntry> earlier = entries.withToken(request.token());
            VolumeId id = earlier.map(VolumeEntry::id).orElseGet(() -> VolumeId.random(parts.random()));
            all.add(id);
            if (earlier.isEmpty()) {
                missing.put(id, request);
            }
        }
        if (missing.isEmpty()) {
            return all;
        }
        begin(missing);
        try {
            entries.putAll(ready(missing.keySet())); // durable at once: nothing else says that they are wanted
        } catch (StoreException e) {
            takeBack(missing.keySet());
            throw RequestException.of(e);
        }
        return all;
    }

    /** Makes volumes that nobody sees until they are {@linkplain #settle settled}, or none. None of them is a copy. */
    void begin(Map<VolumeId, VolumeRequest> wanted) {
        List<Planned> plan = new ArrayList<>();
        wanted.forEach((id, request) -> plan.add(plan(id, request, Phase.PROVISIONAL)));
        entries.putAll(plan.stream().map(Planned::entry).toList());
        try {
            EngineCalls.await(
                    CompletableFuture.allOf(plan.stream().map(this::make).toArray(CompletableFuture[]::new)));
        } catch (StoreException e) {
            takeBack(wanted.keySet());
            throw RequestException.of(e);
        }
    }

    /** Says that volumes are there for everybody. What says that they are wanted is durable already. */
    void settle(Collection<VolumeId> ids) {
        entries.settle(ready(ids));
    }

    private List<VolumeEntry> ready(Collection<VolumeId> ids) {
        List<VolumeEntry> made =
                ids.stream().flatMap(id -> entries.find(id).stream()).toList();
        made.forEach(parts::limit);
        return made.stream().map(entry -> entry.with(Phase.READY)).toList();
    }

    /** Deletes those that are still provisional. What cannot be deleted now goes at the next start. */
    void takeBack(Collection<VolumeId> ids) {
        for (VolumeId id : ids) {
            if (entries.find(id)
                    .filter(entry -> entry.phase() == Phase.PROVISIONAL)
                    .isPresent()) {
                try {
                    if (store.volume(id).isPresent()) {
                        EngineCalls.await(store.deleteVolume(id));
                    }
                    entries.remove(id);
                } catch (StoreException e) {
                    LOG.warn("{} was made in vain and goes at the next start: {}", id, e.getMessage());
                }
            }
        }
    }

    private Planned plan(VolumeId id, VolumeRequest request, Phase phase) {
        long sizeBytes = sizeBytes(request);
        VolumeLimits limits = parts.provisioned(request.limits(), sizeBytes);
        shares.require(id, request.share(), limits);
        MultiAttach.require(request.multiAttach(), limits);
        VolumeEntry plain = VolumeEntry.begun(id, phase, request.label(), limits, request.token())
                .with(request.share())
                .sharedByInstances(request.multiAttach());
        VolumeEntry entry = request.source()
                .map(source -> plain.with(new VolumeEntry.Copy(source, SnapshotId.random(parts.random()))))
                .orElse(plain);
        return new Planned(entry, sizeBytes, request);
    }

    private CompletableFuture<?> make(Planned plan) {
        VolumeId id = plan.entry().id();
        Compression compression = plan.request().compression();
        return plan.request().from().isPresent()
                ? store.cloneVolume(id, plan.sizeBytes(), plan.request().from().get(), compression)
                : store.createVolume(id, plan.sizeBytes(), compression);
    }

    /**
     * A clone of a snapshot of this instant, which nobody sees and which goes again; its blocks stay with the clone.
     */
    private void makeCopy(Planned plan, VolumeEntry.Copy copy) {
        EngineCalls.await(store.createSnapshot(copy.by(), copy.of()));
        try {
            EngineCalls.await(store.cloneVolume(
                    plan.entry().id(),
                    plan.sizeBytes(),
                    copy.by(),
                    plan.request().compression()));
        } finally {
            EngineCalls.await(store.deleteSnapshot(copy.by()));
        }
    }

    /** Forgets a creation that failed, unless the engine has something of it: that is left to the next start. */
    private void abandon(VolumeEntry entry) {
        boolean left = store.volume(entry.id()).isPresent()
                || entry.copy()
                        .map(VolumeEntry.Copy::by)
                        .flatMap(store::snapshot)
                        .isPresent();
        if (!left) {
            entries.remove(entry.id());
        }
    }

    private long sizeBytes(VolumeRequest request) {
        if (request.from().isPresent() && request.source().isPresent()) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION, "snapshotId and sourceVolumeId exclude each other");
        }
        long least = request.from()
                .map(this::snapshotBytes)
                .or(() -> request.source().map(this::volumeBytes))
                .orElse(0L);
        if (least == 0 && request.sizeGiB().isEmpty()) {
            throw new RequestException(
                    ErrorCode.MISSING_PARAMETER, "sizeGiB, snapshotId or sourceVolumeId is needed: none was given");
        }
        long sizeBytes = request.sizeGiB().map(Volumes::bytes).orElse(least);
        if (sizeBytes < least) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "sizeGiB %d is smaller than what the volume begins as, which has %d GiB"
                            .formatted(sizeBytes >> GIB_SHIFT, least >> GIB_SHIFT));
        }
        return sizeBytes;
    }

    private long snapshotBytes(SnapshotId id) {
        parts.requireSnapshot(id);
        return store.snapshot(id).orElseThrow(() -> Snapshots.notFound(id)).sizeBytes();
    }

    private long volumeBytes(VolumeId id) {
        parts.requireVolume(id);
        return store.volume(id).orElseThrow(() -> Volumes.notFound(id)).sizeBytes();
    }
}
