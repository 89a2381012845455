package io.varve.nbd;

import io.varve.engine.ExtentSource;
import io.varve.engine.Volume;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What an export can tell of its past. The futures may be completed by any thread, and fail with a {@link
 * io.varve.engine.StoreException}.
 */
public interface History {
    /** Ids of the snapshots that the export descends from, newest first. */
    CompletableFuture<List<String>> snapshots();

    /**
     * Which blocks read otherwise than in a snapshot.
     *
     * @param volume the opened export
     * @param snapshot one of {@link #snapshots}
     */
    CompletableFuture<ExtentSource> changedSince(Volume volume, String snapshot);

    /** How many layers down each block was written, 0 for none. */
    CompletableFuture<ExtentSource> allocationDepth(Volume volume);
}
