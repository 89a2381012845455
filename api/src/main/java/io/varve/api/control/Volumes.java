package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.QosShare;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeTypes;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Volumes as people know them. What creates, changes or deletes one is first written down as an intent, then done by
 * the engine, then written down as done; {@link Recovery} finishes or undoes what a crash left between. Thread-safe.
 */
public final class Volumes {
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
            .one("multi-attach-enabled", volume -> volume.entry().multiAttach())
            .one("volume-status.status", volume -> volume.isWell() ? "ok" : "impaired")
            .many("snapshot-id", volume -> volume.origin().stream())
            .many("source-volume-id", volume -> volume.entry().copy().stream().map(VolumeEntry.Copy::of))
            .many(
                    "attachment.instance-id",
                    volume -> volume.attachments().stream().map(VolumeAttachment::instance))
            .many("attachment.device", volume -> attachments(volume).map(Attachment::deviceName))
            .many("attachment.status", volume -> attachments(volume).map(Attachment::state))
            .many(
                    "attachment.delete-on-termination",
                    volume -> attachments(volume).map(Attachment::deleteOnTermination))
            .many("attachment.attach-time", volume -> attachments(volume).map(Attachment::attachedAt));

    private final ControlParts parts;
    private final VolumeCreation creation;
    private final VolumeModifications modifications;
    private final VolumeShares shares;
    private final BlockStore store;
    private final VolumeTypes types;
    private final Ledger<VolumeId, VolumeEntry> entries;
    private final Removal<VolumeId, VolumeEntry> removal;

    /** Those that were in use when this was last looked at. By {@link #watchUse} only. */
    private final Set<VolumeId> inUse = new HashSet<>();

    Volumes(
            ControlParts parts,
            RetentionRules rules,
            VolumeCreation creation,
            VolumeModifications modifications,
            VolumeShares shares) {
        this.creation = creation;
        this.shares = shares;
        this.parts = parts;
        this.modifications = modifications;
        store = parts.store();
        types = parts.types();
        entries = parts.volumes();
        removal = new Removal<>(entries, rules, RetentionRule.Resource.VOLUME, new Target());
        entries.all().forEach(parts::limit);
    }

    /** All volumes, oldest first. */
    public List<VolumeView> list() {
        return views(store.volumes());
    }

    private List<VolumeView> views(List<VolumeRecord> records) {
        return records.stream().flatMap(record -> view(record).stream()).toList();
    }

    /** A part of the volumes, oldest first. */
    public ListRequest.Page<VolumeView> list(ListRequest request) {
        return request.page(
                "volumes",
                request.asked(store.volumes(), VolumeRecord::id),
                VolumeRecord::sequence,
                this::view,
                FILTERS.passing(request.filters()));
    }

    /** What volumes there may be. */
    public VolumeTypes types() {
        return types;
    }

    /** A part of the volumes in the recycle bin, oldest first. */
    public ListRequest.Page<VolumeView> listRecycled(ListRequest request) {
        return request.page(
                "recycled volumes",
                request.asked(store.volumes(), VolumeRecord::id),
                VolumeRecord::sequence,
                record -> view(record, phase -> phase == Phase.RECYCLED),
                FILTERS.passing(request.filters()));
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
        return view(record, Phase::isShown);
    }

    private Optional<VolumeView> view(VolumeRecord record, Predicate<Phase> wanted) {
        VolumeEntry entry = entries.get(record.id());
        if (entry == null || !wanted.test(entry.phase())) {
            return Optional.empty();
        }
        try {
            return Optional.of(new VolumeView(
                    record, entry, isInUse(record.id()), parts.attachments(record.id()), store.usage(record.id())));
        } catch (StoreException e) {
            return gone(e);
        }
    }

    private static Stream<Attachment> attachments(VolumeView volume) {
        return volume.attachments().stream().map(VolumeAttachment::attachment);
    }

    /** By an NBD client or an instance. */
    private boolean isInUse(VolumeId id) {
        return store.inUse(id) || !parts.attached().instances(id).isEmpty();
    }

    /** Tells whose use by NBD clients or instances has begun or ended since the last call. One thread at a time. */
    void watchUse() {
        for (VolumeEntry entry : entries.all()) {
            boolean now = entry.phase() == Phase.READY
                    && find(entry.id()).filter(VolumeView::inUse).isPresent();
            boolean changed = now ? inUse.add(entry.id()) : inUse.remove(entry.id());
            if (changed && entry.phase() == Phase.READY) {
                parts.events().publish(KIND, entry.id(), now ? "in-use" : entry.state());
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
        VolumeId id = VolumeId.random(parts.random());
        String order =
                request.clientToken().map(token -> "volume token " + token).orElse(id.toString());
        return parts.sequencer().run(order, () -> describe(creation.create(id, request)));
    }

    static long bytes(int sizeGiB) {
        return (long) sizeGiB << GIB_SHIFT;
    }

    /**
     * Grows, renames, tags or throttles a volume, or sets what of it is compressed. A change of size, performance or
     * Multi-Attach is a {@link VolumeModification}.
     */
    public CompletableFuture<VolumeView> change(VolumeId id, VolumeChange change, Precondition precondition) {
        Optional<RequestException> refusal = entries.find(id)
                .filter(volume -> change.modifies(volume, types))
                .flatMap(VolumeModifications::refusal);
        if (refusal.isPresent()) {
            return CompletableFuture.failedFuture(refusal.get());
        }
        return parts.sequencer().run(id.toString(), () -> changeNow(id, change, precondition));
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
        long sizeBytes = Math.max(growingToBytes, before.record().sizeBytes());
        VolumeLimits limits = changed(change, before, sizeBytes);
        QosShare share = change.share().apply(old.share());
        if (!share.equals(old.share()) || !limits.equals(old.limits())) {
            shares.require(id, share, limits);
        }
        boolean multiAttach = MultiAttach.changed(
                old,
                change.multiAttach(),
                limits,
                parts.attached().instances(id).size());
        VolumeEntry changed = old.with(change.label().apply(old.label()), limits, growingToBytes)
                .with(share)
                .sharedByInstances(multiAttach);
        VolumeModification.Shape original = shape(before.record().sizeBytes(), old);
        VolumeModification.Shape target = shape(sizeBytes, changed);
        if (original.equals(target)) {
            entries.put(changed);
            parts.limit(changed);
        } else {
            modify(old, modifications.begin(changed, original, target));
        }
        return describe(id);
    }

    private static VolumeModification.Shape shape(long sizeBytes, VolumeEntry volume) {
        return new VolumeModification.Shape(
                Math.toIntExact(sizeBytes >> GIB_SHIFT), volume.limits(), volume.multiAttach());
    }

    /** Writes down what is going to be, has the engine do it, and writes down that it is done. */
    private void modify(VolumeEntry old, VolumeEntry begun) {
        entries.put(begun);
        modifications.tell(begun);
        if (begun.growingToBytes() > 0) {
            try {
                EngineCalls.await(store.extendVolume(begun.id(), begun.growingToBytes()));
            } catch (StoreException e) {
                RequestException refusal = RequestException.of(e);
                VolumeEntry failed = modifications.failed(old, begun, String.valueOf(refusal.getMessage()));
                entries.put(failed);
                modifications.tell(failed);
                throw refusal;
            }
        }
        parts.limit(begun);
        VolumeEntry completed = modifications.completed(begun.grown());
        entries.settle(List.of(completed));
        modifications.tell(completed);
    }

    /** A part of the modifications of all volumes, by volume and then oldest first. */
    public ListRequest.Page<VolumeModificationView> modifications(ListRequest request) {
        return VolumeModifications.list(list(), request);
    }

    /** A part of the newest modifications, one of each volume that was ever modified. */
    public ListRequest.Page<VolumeModificationView> newestModifications(ListRequest request) {
        return VolumeModifications.listNewest(views(request.asked(store.volumes(), VolumeRecord::id)), request);
    }

    /** A part of the modifications of one volume, oldest first. Fails with VOLUME_NOT_FOUND. */
    public ListRequest.Page<VolumeModificationView> modifications(VolumeId id, ListRequest request) {
        return VolumeModifications.list(List.of(describe(id)), request);
    }

    private VolumeLimits changed(VolumeChange change, VolumeView before, long sizeBytes) {
        VolumeLimits wanted = change.limits().apply(before.entry().limits(), types);
        boolean tooLarge = types.find(wanted.volumeType())
                .filter(type -> sizeBytes >> GIB_SHIFT > type.sizeGiB().most())
                .isPresent();
        if (tooLarge) {
            throw new RequestException(
                    ErrorCode.VOLUME_MODIFICATION_SIZE_LIMIT_EXCEEDED,
                    "volume %s would have %d GiB, more than type %s offers"
                            .formatted(before.record().id(), sizeBytes >> GIB_SHIFT, wanted.volumeType()));
        }
        return change.modifies(before.entry(), types)
                ? parts.provisioned(wanted, sizeBytes)
                : before.entry().limits();
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
     * Deletes a volume, or puts it into the recycle bin if a rule keeps it; its snapshots stay.
     *
     * @param force disconnect its clients first instead of refusing
     */
    public CompletableFuture<Void> delete(
            VolumeId id, boolean force, Precondition precondition, Connections connections) {
        return parts.sequencer().run(id.toString(), () -> {
            VolumeView volume = describe(id);
            precondition.require(volume.etag());
            parts.attached().instances(id).stream().findFirst().ifPresent(instance -> {
                throw new RequestException(
                        ErrorCode.VOLUME_IN_USE,
                        "volume %s is attached to instance %s: detach it first".formatted(id, instance));
            });
            removal.remove(volume.entry(), force, connections);
            return null;
        });
    }

    /** Takes a volume out of the recycle bin. Fails with VOLUME_NOT_FOUND if it is not there. */
    public CompletableFuture<VolumeView> restore(VolumeId id) {
        return parts.sequencer().run(id.toString(), () -> {
            removal.restore(id);
            return describe(id);
        });
    }

    /** Deletes a volume in the recycle bin for good. Fails with VOLUME_NOT_FOUND or OPERATION_NOT_PERMITTED. */
    public CompletableFuture<Void> purge(VolumeId id) {
        return parts.sequencer().run(id.toString(), () -> {
            removal.purge(id);
            return null;
        });
    }

    /** Deletes what has been in the recycle bin long enough. Blocks. */
    void expire() {
        removal.expireAll(parts.sequencer());
    }

    private static RequestException inUse(VolumeId id) {
        return new RequestException(
                ErrorCode.VOLUME_IN_USE,
                "volume " + id + " is in use: disconnect its NBD clients first, or delete it with force=true");
    }

    static RequestException notFound(VolumeId id) {
        return new RequestException(ErrorCode.VOLUME_NOT_FOUND, "there is no volume " + id);
    }

    private final class Target implements Removal.Target<VolumeId> {
        @Override
        public boolean inUse(VolumeId id) {
            return store.inUse(id);
        }

        @Override
        public CompletableFuture<Void> delete(VolumeId id) {
            return store.deleteVolume(id);
        }

        @Override
        public CompletableFuture<Void> disconnect(VolumeId id, Connections connections) {
            return connections.disconnect(id);
        }

        @Override
        public RequestException busy(VolumeId id) {
            return Volumes.inUse(id);
        }

        @Override
        public RequestException notFound(VolumeId id) {
            return Volumes.notFound(id);
        }
    }
}
