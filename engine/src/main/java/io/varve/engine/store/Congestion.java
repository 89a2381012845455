package io.varve.engine.store;

import io.varve.engine.VolumeLoop;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.FramePool;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;

/**
 * Whether a volume takes more in: not while too many requests wait inside it, too much log is dirty, too many blocks are
 * being completed for partial requests, dead space has to be compacted first, or changed pages crowd the map's memory.
 * Those who wait are called when that is over. Loop only.
 */
final class Congestion {
    /** Requests that may wait inside the volume before it is congested. */
    private static final int MAX_WAITING = 1024;

    private final VolumeLoop loop;
    private final VolumeHost host;
    private final IntSupplier requestsWaiting;
    private final ByteBudget dirty;
    private final ByteBudget partialBlocks;
    private final SpacePressure pressure;
    private final FramePool frames;
    private final BlockMap map;
    private final List<Runnable> waiters = new ArrayList<>();
    private boolean awaitingCheckpoint;
    /** Changed pages crowd the memory, and the disk is too full for the checkpoint that would write them. */
    private boolean stuck;

    /** @param requestsWaiting how many requests wait inside the volume */
    Congestion(VolumeLoop loop, VolumeHost host, IntSupplier requestsWaiting, OpenVolume.Shared shared, BlockMap map) {
        this.loop = loop;
        this.host = host;
        this.requestsWaiting = requestsWaiting;
        this.dirty = shared.dirty();
        this.partialBlocks = shared.partialBlocks();
        this.pressure = shared.pressure();
        this.frames = shared.frames();
        this.map = map;
    }

    boolean isCongested() {
        return requestsWaiting.getAsInt() >= MAX_WAITING
                || dirty.isExceeded()
                || partialBlocks.isExceeded()
                || pressure.isHigh()
                || (tooManyDirtyPages() && !stuck);
    }

    /**
     * True when a change cannot even wait: changed pages crowd the map's memory, and the disk is full. Reads go on. Hot
     * path.
     */
    boolean refusesChanges() {
        return stuck && tooManyDirtyPages();
    }

    private boolean tooManyDirtyPages() {
        return map.dirtyPages() > 0 && frames.isCrowded();
    }

    /** Runs {@code task} when the volume is not congested, at once if it is not now. */
    void whenOver(Runnable task) {
        waiters.add(task);
        wakeOrWait();
    }

    /** Wakes those who wait, or arranges to be called again: when one reason to wait is gone there may be another. */
    void wakeOrWait() {
        wake();
        if (waiters.isEmpty()) {
            return;
        }
        Runnable again = () -> loop.execute(this::wakeOrWait);
        if (dirty.isExceeded()) {
            host.checkpointWanted();
            dirty.whenRoom(again);
        } else if (partialBlocks.isExceeded()) {
            partialBlocks.whenRoom(again);
        } else if (pressure.isHigh()) {
            pressure.whenLower(again);
        } else if (tooManyDirtyPages()) {
            awaitCheckpoint();
            host.checkpointWanted();
        }
    }

    private void awaitCheckpoint() {
        if (!awaitingCheckpoint) {
            awaitingCheckpoint = true;
            frames.afterCheckpoint(() -> loop.execute(this::checkpointIsOver));
        }
    }

    private void checkpointIsOver() {
        awaitingCheckpoint = false;
        stuck = host.hasNoRoomForCheckpoint() && tooManyDirtyPages();
        if (stuck) {
            awaitCheckpoint();
        }
        wakeOrWait();
    }

    /** Something was done that may have ended it. */
    void wake() {
        if (!waiters.isEmpty() && !isCongested()) {
            List<Runnable> tasks = new ArrayList<>(waiters);
            waiters.clear();
            tasks.forEach(Runnable::run);
        }
    }
}
