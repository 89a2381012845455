package io.varve.api;

import io.varve.engine.BlockStore;
import io.varve.engine.ExtentSource;
import io.varve.engine.SnapshotId;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.nbd.History;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** The past of a volume or snapshot of the store, as NBD's metadata contexts tell it. */
final class StoreHistory implements History {
    private final BlockStore store;
    private final Supplier<CompletableFuture<List<SnapshotId>>> lineage;

    private StoreHistory(BlockStore store, Supplier<CompletableFuture<List<SnapshotId>>> lineage) {
        this.store = store;
        this.lineage = lineage;
    }

    static History of(BlockStore store, VolumeId id) {
        return new StoreHistory(store, () -> store.lineage(id));
    }

    static History of(BlockStore store, SnapshotId id) {
        return new StoreHistory(store, () -> store.lineage(id));
    }

    @Override
    public CompletableFuture<List<String>> snapshots() {
        return lineage.get()
                .thenApply(ids -> ids.stream().map(SnapshotId::toString).toList());
    }

    @Override
    public CompletableFuture<ExtentSource> changedSince(Volume volume, String snapshot) {
        return store.changedSince(volume, SnapshotId.parse(snapshot));
    }

    @Override
    public CompletableFuture<ExtentSource> allocationDepth(Volume volume) {
        return store.allocationDepth(volume);
    }
}
