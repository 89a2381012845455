package io.varve.engine.store;

import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.io.Disk;
import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code ballast}: blocks that are really allocated and hold nothing, so that a full disk still has room for
 * what gives space back (law 6). They are given up in pieces to checkpoints, trims, deletions and the control plane's
 * commits, and taken back before anything else is allocated for writes.
 *
 * <p>Thread-safe; waits for storage.
 */
final class Ballast {
    private static final Logger LOG = LoggerFactory.getLogger(Ballast.class);
    private static final String FILE = "ballast";
    private static final long PIECE_BYTES = 1 << 20;
    /** What is allocated by one call at most, so that a failure loses little. */
    private static final long STEP_BYTES = 64 << 20;

    private static final long LEAST_BYTES = 64 << 20;
    private static final long MOST_BYTES = 1 << 30;

    private final Disk disk;
    private final long targetBytes;
    private @Nullable DiskFile file;
    private volatile long sizeBytes;

    private Ballast(Disk disk, long targetBytes) {
        this.disk = disk;
        this.targetBytes = targetBytes;
    }

    /** Takes over what an earlier life left, and makes it as large as it should be as far as the disk has room. */
    static Ballast open(Disk disk, StoreOptions options) {
        long wanted = options.ballastBytes();
        Ballast ballast = new Ballast(disk, wanted == StoreOptions.BALLAST_BY_DISK ? usual(disk.totalBytes()) : wanted);
        if (disk.exists(FILE)) {
            DiskFile found = disk.open(FILE, Disk.Mode.EXISTING);
            ballast.file = found;
            ballast.sizeBytes = found.sizeBytes();
            if (ballast.sizeBytes > ballast.targetBytes) {
                ballast.shrink(found, ballast.targetBytes);
            }
        }
        ballast.refill();
        return ballast;
    }

    /** 1 % of the file system, from 64 MiB to 1 GiB, but no more than a sixteenth of a small one. */
    static long usual(long diskBytes) {
        long part = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, diskBytes / 100));
        return Math.min(part, diskBytes / 16) / PIECE_BYTES * PIECE_BYTES;
    }

    /** Bytes that are allocated. */
    long sizeBytes() {
        return sizeBytes;
    }

    /** True while some of it was given up. */
    boolean isShort() {
        return sizeBytes < targetBytes;
    }

    /** Takes back what was given up, as far as the disk has room. */
    synchronized void refill() {
        long before = sizeBytes;
        try {
            long step = STEP_BYTES;
            while (isShort() && step >= PIECE_BYTES) {
                step = grow(Math.min(step, targetBytes - sizeBytes)) ? step : step / 4;
            }
            if (sizeBytes > before) {
                existing().sync();
            }
        } catch (DiskException e) {
            LOG.warn("the ballast cannot be refilled: {}", e.getMessage());
        }
        if (before < targetBytes && !isShort()) {
            LOG.info("ballast of {} bytes is whole", targetBytes);
        }
    }

    private boolean grow(long bytes) {
        DiskFile to = null;
        long before = sizeBytes;
        try {
            to = existing();
            to.allocate(before, bytes);
            sizeBytes = before + bytes;
            return true;
        } catch (DiskException e) {
            if (e.kind() != DiskException.Kind.NO_SPACE) {
                throw e;
            }
            if (to != null) {
                to.truncate(before); // some file systems keep what they could allocate
            }
            return false;
        }
    }

    private DiskFile existing() {
        DiskFile opened = file;
        if (opened == null) {
            opened = disk.open(FILE, Disk.Mode.CREATE);
            file = opened;
        }
        return opened;
    }

    /** Gives at least {@code bytes} to the file system, or all that is left; false if nothing is. */
    synchronized boolean giveUp(long bytes) {
        DiskFile from = file;
        if (from == null || sizeBytes == 0) {
            return false;
        }
        if (!isShort()) {
            LOG.warn("the disk is full: giving up ballast");
        }
        shrink(from, Math.max(0, sizeBytes - Math.max(PIECE_BYTES, bytes)));
        return true;
    }

    /** The sync has the file system let go of the blocks at once. */
    private void shrink(DiskFile from, long bytes) {
        from.truncate(bytes);
        sizeBytes = bytes;
        from.sync();
    }

    /**
     * Does what must be possible on a full disk: if there is no space it is tried again after a piece of the ballast
     * was given up, until nothing is left of it. {@code task} changes nothing when it fails.
     *
     * @throws DiskException as the task does
     * @throws StoreException as the task does
     */
    <T> T spend(Supplier<T> task) {
        for (long piece = PIECE_BYTES; ; piece *= 2) {
            try {
                return task.get();
            } catch (DiskException e) {
                if (e.kind() != DiskException.Kind.NO_SPACE || !giveUp(piece)) {
                    throw e;
                }
            } catch (StoreException e) {
                if (e.kind() != StoreException.Kind.NO_SPACE || !giveUp(piece)) {
                    throw e;
                }
            }
        }
    }

    /** Does {@link #spend} for a task without a result. */
    void spend(Runnable task) {
        spend(() -> {
            task.run();
            return true;
        });
    }
}
