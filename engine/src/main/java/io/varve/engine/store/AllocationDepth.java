package io.varve.engine.store;

import io.varve.engine.Completion;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.map.Frame;
import io.varve.engine.map.StatusWalk;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Tells from a block's address how many layers down it was written: addresses grow with time, and each snapshot has
 * kept the address at which the log stood. Used on the volume's loop.
 */
final class AllocationDepth implements ExtentSource {
    private final OpenVolume volume;
    private final Supplier<CompletableFuture<long[]>> lineage;
    private long[] floors;

    /**
     * @param floors of the volume's lineage
     * @param lineage asks for them again, once a newer snapshot was taken
     */
    AllocationDepth(OpenVolume volume, long[] floors, Supplier<CompletableFuture<long[]>> lineage) {
        this.volume = volume;
        this.floors = floors;
        this.lineage = lineage;
    }

    @Override
    public void query(long offset, long length, int maxExtents, Extents into, Completion completion) {
        long newest = floors.length == 0 ? 0 : floors[0];
        if (volume.floors().address() <= newest) {
            answer(offset, length, maxExtents, into, completion);
            return;
        }
        lineage.get()
                .whenComplete((now, failure) -> volume.loop().execute(() -> {
                    if (failure != null) {
                        completion.completed(IoStatus.EIO);
                        return;
                    }
                    floors = now;
                    answer(offset, length, maxExtents, into, completion);
                }));
    }

    private void answer(long offset, long length, int maxExtents, Extents into, Completion completion) {
        StatusWalk walk = new StatusWalk(volume.map(), volume.loader(), this::depthOf);
        volume.query(walk, offset, length, maxExtents, into, completion);
    }

    private int depthOf(long entry) {
        if (entry <= Frame.CHILD) {
            return 0;
        }
        int depth = 1;
        while (depth <= floors.length && entry < floors[depth - 1]) {
            depth++;
        }
        return depth;
    }

    @Override
    public void release() {}
}
