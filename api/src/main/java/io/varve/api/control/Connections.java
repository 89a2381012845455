package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.concurrent.CompletableFuture;

/** The clients that are connected to volumes and snapshots, as far as the control plane must know of them. */
public interface Connections {
    /** Where nobody can be connected. */
    Connections NONE = new Connections() {
        @Override
        public CompletableFuture<Void> disconnect(VolumeId volume) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> disconnect(SnapshotId snapshot) {
            return CompletableFuture.completedFuture(null);
        }
    };

    /** Ends all connections to a volume; complete when every handle is released. */
    CompletableFuture<Void> disconnect(VolumeId volume);

    /** Ends all connections to a snapshot; complete when every handle is released. */
    CompletableFuture<Void> disconnect(SnapshotId snapshot);
}
