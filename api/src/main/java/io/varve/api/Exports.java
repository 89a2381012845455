package io.varve.api;

import io.varve.api.control.ControlPlane;
import io.varve.api.control.Phase;
import io.varve.api.control.SnapshotView;
import io.varve.api.control.VolumeView;
import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import io.varve.nbd.Export;
import io.varve.nbd.ExportResolver;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What the NBD server exports: volumes by id, by name where only one has it, snapshots by id for reading, and under the
 * empty name the default volume. An object that is being created or deleted is not among them; where so configured,
 * neither is a volume that is attached nowhere.
 */
final class Exports implements ExportResolver {
    private static final long GIB = 1L << 30;

    private final BlockStore store;
    private final ControlPlane control;
    private final boolean attachedOnly;

    /**
     * Exports of a store.
     *
     * @param attachedOnly offer volumes only while they are attached to an instance
     */
    Exports(BlockStore store, ControlPlane control, boolean attachedOnly) {
        this.store = store;
        this.control = control;
        this.attachedOnly = attachedOnly;
    }

    @Override
    public CompletableFuture<Optional<Export>> resolve(String name) {
        return CompletableFuture.completedFuture(find(name));
    }

    @Override
    public CompletableFuture<List<Listing>> list() {
        List<Listing> listings = new ArrayList<>();
        for (VolumeView volume : control.volumes().list()) {
            if (offered(volume)) {
                listings.add(new Listing(volume.record().id().toString(), description(volume)));
            }
        }
        for (SnapshotView snapshot : control.snapshots().list()) {
            if (snapshot.entry().phase() == Phase.READY) {
                listings.add(new Listing(snapshot.record().id().toString(), description(snapshot)));
            }
        }
        return CompletableFuture.completedFuture(listings);
    }

    private Optional<Export> find(String name) {
        if (name.isEmpty()) {
            return control.defaultVolume().flatMap(control.volumes()::find).flatMap(this::export);
        }
        Optional<Export> byId = Optional.empty();
        if (name.startsWith(VolumeId.PREFIX)) {
            byId = volumeId(name).flatMap(control.volumes()::find).flatMap(this::export);
        } else if (name.startsWith(SnapshotId.PREFIX)) {
            byId = snapshotId(name).flatMap(control.snapshots()::find).flatMap(this::export);
        }
        return byId.or(() -> byName(name));
    }

    private Optional<Export> byName(String name) {
        List<VolumeView> named = control.volumes().list().stream()
                .filter(volume ->
                        volume.entry().label().name().filter(name::equals).isPresent())
                .toList();
        return named.size() == 1 ? export(named.get(0)) : Optional.empty();
    }

    private Optional<Export> export(VolumeView volume) {
        if (!offered(volume)) {
            return Optional.empty();
        }
        VolumeId id = volume.record().id();
        boolean readOnly = volume.record().status().health() == VolumeStatus.Health.READ_ONLY;
        return Optional.of(new Export(
                id.toString(),
                id.toString(),
                description(volume),
                volume.record().sizeBytes(),
                readOnly,
                () -> store.open(id).thenCompose(opened -> stillOffered(id, opened)),
                StoreHistory.of(store, id)));
    }

    private Optional<Export> export(SnapshotView snapshot) {
        if (snapshot.entry().phase() != Phase.READY) {
            return Optional.empty();
        }
        SnapshotId id = snapshot.record().id();
        return Optional.of(new Export(
                id.toString(),
                id.toString(),
                description(snapshot),
                snapshot.record().sizeBytes(),
                true,
                () -> store.openSnapshot(id),
                StoreHistory.of(store, id)));
    }

    /** Who is deleting a volume looks for openings after it has said so: one of both sees the other. */
    private CompletableFuture<Volume> stillOffered(VolumeId id, Volume opened) {
        if (control.volumes().find(id).filter(this::offered).isPresent()) {
            return CompletableFuture.completedFuture(opened);
        }
        opened.release();
        return CompletableFuture.failedFuture(new StoreException(
                StoreException.Kind.VOLUME_NOT_FOUND,
                "volume " + id + " was deleted or detached while it was being opened"));
    }

    private boolean offered(VolumeView volume) {
        return volume.entry().phase() == Phase.READY
                && (!attachedOnly || control.instances().mayOpen(volume.record().id()));
    }

    private static String description(VolumeView volume) {
        String size = volume.record().sizeBytes() / GIB + " GiB volume";
        return volume.entry().label().name().map(name -> name + ", " + size).orElse(size);
    }

    private static String description(SnapshotView snapshot) {
        return "snapshot of " + snapshot.record().volumeId() + ", read-only";
    }

    private static Optional<VolumeId> volumeId(String text) {
        try {
            return Optional.of(VolumeId.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // a name may look like the beginning of an id
        }
    }

    private static Optional<SnapshotId> snapshotId(String text) {
        try {
            return Optional.of(SnapshotId.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // a name may look like the beginning of an id
        }
    }
}
