package io.varve.engine.io;

import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The descriptor of one file: opened by the file's name when it is needed, and closed between two uses when the
 * {@link DescriptorCache} has too many.
 *
 * <p>Thread-safe. It is taken by one compare-and-set of the count of its users and given back by one decrement, without
 * a lock but to open it.
 */
final class CachedDescriptor {
    private static final Logger LOG = LoggerFactory.getLogger(CachedDescriptor.class);
    private static final int NO_DESCRIPTOR = -1;
    private static final int CLOSED = -2;

    private final RealDisk disk;
    private final FileSync sync;
    private volatile String name;

    /** How many operations use the descriptor now, or {@link #NO_DESCRIPTOR}, or {@link #CLOSED}. */
    private final AtomicInteger users = new AtomicInteger(NO_DESCRIPTOR);

    /** Written before users becomes 0 and left alone until it is negative again. */
    private int descriptor;

    /** Cleared by the descriptor cache when it looks at the file; a lost update only keeps the file open longer. */
    private boolean usedLately;

    private volatile boolean closing;

    CachedDescriptor(RealDisk disk, FileSync sync, String name) {
        this.disk = disk;
        this.sync = sync;
        this.name = name;
    }

    /** The file's name. */
    String name() {
        return name;
    }

    void renamed(String newName) {
        name = newName;
    }

    /** Takes the descriptor, which stays open until {@link #release}. */
    int acquire() {
        while (true) {
            int count = users.get();
            checkOpen();
            if (count == NO_DESCRIPTOR) {
                disk.descriptors().open(this);
            } else if (users.compareAndSet(count, count + 1)) {
                if (!usedLately) {
                    usedLately = true;
                }
                return descriptor;
            }
        }
    }

    void checkOpen() {
        if (closing) {
            throw new DiskException(DiskException.Kind.IO, name + " is closed");
        }
    }

    void release() {
        if (users.decrementAndGet() == 0 && closing) {
            disk.descriptors().close(this);
        }
    }

    // ---- for the descriptor cache, under its lock ----

    boolean isOpen() {
        return users.get() != NO_DESCRIPTOR;
    }

    /** Opens the file by its name. */
    void open() {
        int fd = disk.openPath(name, disk.openFlags());
        if (fd < 0) {
            throw Posix.failure("open", name);
        }
        descriptor = fd;
        usedLately = true;
        users.set(0);
    }

    /** Closes the descriptor until the next use, unless the file is in use or was lately. */
    boolean evict(boolean syncFirst) {
        if (usedLately) {
            usedLately = false;
            return false;
        }
        if (sync.hasUnsynced() && !syncFirst || !users.compareAndSet(0, NO_DESCRIPTOR)) {
            return false;
        }
        if (sync.hasUnsynced()) {
            syncForEviction();
        }
        Posix.C.close(descriptor);
        return true;
    }

    /** A failure is kept for the next sync to tell: whoever opens another file is the wrong one to hear it. */
    private void syncForEviction() {
        try {
            sync.sync(descriptor, name);
        } catch (DiskException e) {
            LOG.warn("{} before its descriptor was closed; the next sync of the file will fail", e.getMessage());
        }
    }

    /** Closes the descriptor for good; false while the file is in use, and then {@link #release} comes here again. */
    boolean close() {
        closing = true;
        if (users.compareAndSet(0, CLOSED)) {
            Posix.C.close(descriptor);
            return true;
        }
        users.compareAndSet(NO_DESCRIPTOR, CLOSED);
        return users.get() == CLOSED;
    }
}
