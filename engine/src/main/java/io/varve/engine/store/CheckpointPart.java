package io.varve.engine.store;

import io.varve.engine.log.LogPosition;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.Floors;
import io.varve.engine.map.MapChanges;
import io.varve.engine.map.MapRoot;
import java.util.List;

/**
 * What one volume brings to a checkpoint: its frozen tree and all that changed since the last.
 *
 * @param root the tree at {@code position}
 * @param generation the next generation of the map
 * @param position where replay begins after this checkpoint
 * @param parked true if the log ends at {@code position}: no segment of the volume is written any more
 * @param epoch the epoch of the record before that position
 * @param changes what the changes of the map mean for space
 * @param snapshots snapshots taken since the last checkpoint, oldest first
 * @param sealed segments left behind since the last checkpoint
 * @param unsynced segments to sync before the tree may point into them
 * @param lastSequence the last record that such a sync makes durable
 * @param dirtyBytes log bytes that such a sync cleans
 * @param usedBlocks blocks with data that the volume reads
 */
record CheckpointPart(
        MapRoot root,
        long generation,
        LogPosition position,
        boolean parked,
        int epoch,
        MapChanges changes,
        List<TakenSnapshot> snapshots,
        List<Segment> sealed,
        List<Segment> unsynced,
        long lastSequence,
        long dirtyBytes,
        long usedBlocks) {

    /**
     * A snapshot whose tree waits for a checkpoint.
     *
     * @param payload who it is
     * @param root its tree
     * @param floors what of the volume's tree it needs from now on
     * @param usedBlocks blocks with data that it reads
     */
    record TakenSnapshot(SnapshotPayload payload, MapRoot root, Floors floors, long usedBlocks) {
        TakenSnapshot withoutUsed(long blocks) {
            return new TakenSnapshot(payload, root, floors, usedBlocks - blocks);
        }
    }
}
