package io.varve.engine.store;

import io.varve.engine.log.LogPosition;
import io.varve.engine.log.LogWriter;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Floors;
import io.varve.engine.map.MapChanges;
import io.varve.engine.map.MapRoot;
import io.varve.engine.map.WrittenPages;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The tree of an open volume from one checkpoint to the next: freezes it for checkpoints and snapshots, keeps the
 * snapshots that no checkpoint has yet, and counts the blocks in use. Loop only, but for {@link #usedBlocks}.
 */
final class VolumeTree {
    private final BlockMap map;
    private final LogWriter log;
    private final LogSpace space;
    private final GroupCommit commit;
    private List<CheckpointPart.TakenSnapshot> snapshots = new ArrayList<>();
    private boolean parkedBefore;
    /** Blocks with data at the last freeze. */
    private long frozenUsedBlocks;

    /** {@link #usedNow} when it last changed, for other threads. Loop writes only. */
    private final AtomicLong publishedUsedBlocks = new AtomicLong();

    VolumeTree(BlockMap map, LogWriter log, LogSpace space, GroupCommit commit, long usedBlocks) {
        this.map = map;
        this.log = log;
        this.space = space;
        this.commit = commit;
        this.frozenUsedBlocks = usedBlocks;
        publishUsed();
    }

    /** A snapshot's record was written: its tree is the one of now. */
    void takeSnapshot(SnapshotPayload payload) {
        MapRoot root = map.freeze();
        Floors floors = Floors.of(log.position().address(), root.birth());
        map.setFloors(floors);
        snapshots.add(new CheckpointPart.TakenSnapshot(payload, root, floors, usedNow()));
    }

    /**
     * Freezes the tree for a checkpoint, and lets {@code newFloors} hold from this instant on, unless a snapshot was
     * taken of which the store does not know yet. The log is open and its batch written.
     *
     * @param park true to end the log here
     */
    CheckpointPart freeze(Floors newFloors, boolean park) {
        MapRoot root = map.freeze();
        MapChanges changes = map.takeChanges();
        frozenUsedBlocks += changes.usedBlocks();
        List<CheckpointPart.TakenSnapshot> taken = snapshots;
        snapshots = new ArrayList<>();
        long dirtyBytes = space.takeForSync();
        if (taken.isEmpty()) {
            map.setFloors(newFloors);
        }
        List<Segment> unsynced = log.isDurable() ? new ArrayList<>() : log.unsynced();
        unsynced.addAll(commit.segmentsInSync());
        LogPosition position = log.position();
        if (park) {
            log.end();
            parkedBefore = true;
        }
        return new CheckpointPart(
                root,
                map.generation(),
                position,
                park,
                log.epoch(),
                changes,
                taken,
                log.takeSealed(),
                unsynced,
                log.lastSequence(),
                dirtyBytes,
                frozenUsedBlocks);
    }

    /** The checkpoint that a part was given to is durable. */
    void checkpointed(CheckpointPart part, WrittenPages written) {
        map.markOnDisk(written);
        log.markDurable(part.lastSequence());
        log.forgetSynced(part.unsynced(), part.parked() ? LogPosition.START : part.position());
    }

    /** Blocks that a trim cut off have been counted: they are used no more, nor by snapshots taken since. */
    void reclaimed(long blocks) {
        frozenUsedBlocks -= blocks;
        snapshots.replaceAll(taken -> taken.withoutUsed(blocks));
        publishUsed();
    }

    /** True if the log may begin small: the volume holds no data yet, or has rested. */
    boolean mayStaySmall() {
        return usedNow() == 0 || parkedBefore;
    }

    long usedNow() {
        return frozenUsedBlocks + map.pendingUsedBlocks();
    }

    /** Shows other threads what is used now. */
    void publishUsed() {
        publishedUsedBlocks.setOpaque(usedNow());
    }

    /** Blocks with data that the volume reads now. Any thread. */
    long usedBlocks() {
        return publishedUsedBlocks.getOpaque();
    }
}
