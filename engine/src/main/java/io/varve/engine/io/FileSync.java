package io.varve.engine.io;

import org.jspecify.annotations.Nullable;

/**
 * Syncs and write-back of one file, whichever descriptor it has. A failed one is final: the kernel says it once and
 * then calls the lost pages clean, so every later one fails with the same words until the file is opened anew.
 * Thread-safe.
 */
final class FileSync {
    private final RealDisk disk;

    /** Set after each write and cleared before each sync, so that it is false only when nothing is unsynced. */
    private volatile boolean unsynced;

    /**
     * One sync or write-back at a time: the kernel tells an error of write-back to the first of them only, and the
     * next must not answer success before that one has told us. They would wait for each other's pages anyway.
     */
    private final Object lock = new Object();

    private @Nullable DiskException lost;

    FileSync(RealDisk disk) {
        this.disk = disk;
    }

    /** The file was changed. */
    void wrote() {
        // Read first, because a volatile store costs more; a sync that clears the flag later covers this write.
        if (!unsynced) {
            unsynced = true;
        }
    }

    boolean hasUnsynced() {
        return unsynced;
    }

    /** Makes everything written through {@code fd} durable. */
    void sync(int fd, String name) {
        synchronized (lock) {
            checkNothingLost();
            unsynced = false;
            disk.countSync();
            int result;
            do {
                result = Posix.C.fdatasync(fd);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw lose(Posix.failure("sync", name));
            }
        }
    }

    /** Hands what is dirty in a range to the device, and waits for that. */
    void writeBack(int fd, String name, long position, long length) {
        synchronized (lock) {
            checkNothingLost();
            int result;
            do {
                result = Posix.C.sync_file_range(fd, position, length, Posix.SYNC_FILE_RANGE_ALL);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw lose(Posix.failure("write-back", name, position, length));
            }
        }
    }

    private void checkNothingLost() {
        DiskException failure = lost;
        if (failure != null) {
            throw failure;
        }
    }

    private DiskException lose(DiskException failure) {
        lost = failure;
        return failure;
    }

    /** What was lost is written anew: the next sync tells the truth again. */
    void forgetFailure() {
        synchronized (lock) {
            lost = null;
        }
    }
}
