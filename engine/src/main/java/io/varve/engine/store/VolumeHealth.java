package io.varve.engine.store;

import io.varve.engine.IoStatus;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.DiskException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How well an open volume is, and so whether it takes changes. Its store is told of every change of that. Loop only,
 * but for {@link #status} and {@link #readOnly}.
 */
final class VolumeHealth {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeHealth.class);

    private final VolumeKey key;
    private final boolean readOnly;
    private final Runnable whenChanged;
    private volatile VolumeStatus status;

    VolumeHealth(VolumeKey key, boolean readOnly, VolumeStatus status, Runnable whenChanged) {
        this.key = key;
        this.readOnly = readOnly;
        this.status = status;
        this.whenChanged = whenChanged;
    }

    /** Any thread. */
    VolumeStatus status() {
        return status;
    }

    /** True for snapshots and damaged volumes. Any thread. */
    boolean readOnly() {
        return readOnly;
    }

    boolean hasFailed() {
        return status.health() == VolumeStatus.Health.FAILED;
    }

    /** OK, or what a change is answered now. */
    IoStatus changeable() {
        if (readOnly) {
            return IoStatus.EPERM;
        }
        return hasFailed() ? IoStatus.EIO : IoStatus.OK;
    }

    /** Something could not be read. */
    void damaged(String what) {
        if (status.health() == VolumeStatus.Health.OK) {
            change(new VolumeStatus(VolumeStatus.Health.DAMAGED, what));
        }
    }

    /** What was damaged is not read any more. */
    void healed() {
        if (status.health() == VolumeStatus.Health.DAMAGED) {
            change(VolumeStatus.OK);
        }
    }

    /**
     * A write or a sync of the log failed (law 5).
     *
     * @return false if the log had failed before
     */
    boolean fail(DiskException cause) {
        if (hasFailed()) {
            return false;
        }
        LOG.error("{}: refuses writes after a failure of its log", key, cause);
        change(new VolumeStatus(VolumeStatus.Health.FAILED, String.valueOf(cause.getMessage())));
        return true;
    }

    private void change(VolumeStatus now) {
        status = now;
        whenChanged.run();
    }
}
