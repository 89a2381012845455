package io.varve.engine.io;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import net.openhft.chronicle.core.Jvm;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of a {@link RealDisk}. It stands for the file and not for a descriptor: that is opened when it is needed and
 * may be closed between two operations by the {@link DescriptorCache}. Deleting its name closes it.
 *
 * <p>Thread-safe. An operation takes the descriptor by one compare-and-set of the count of its users and gives it back
 * by one decrement; it takes no lock but to open the descriptor. {@link #write(long, IoVector)} and {@link #tryRead}
 * allocate nothing.
 *
 * <p>A failed sync or write-back is final: the kernel says it once and then calls the lost pages clean, so every later
 * sync of this file fails with the same words until the file is opened anew.
 */
final class RealDiskFile implements DiskFile {
    private static final Logger LOG = LoggerFactory.getLogger(RealDiskFile.class);
    private static final int NO_DESCRIPTOR = -1;
    private static final int CLOSED = -2;
    private static final int DEVICE_ALIGNMENT = 4096;

    /** One {@code struct iovec} for each thread that reads. */
    private static final ThreadLocal<IoVector> READ_VECTOR = ThreadLocal.withInitial(IoVector::new);

    private final RealDisk disk;
    private volatile String name;

    /** How many operations use the descriptor now, or {@link #NO_DESCRIPTOR}, or {@link #CLOSED}. */
    private final AtomicInteger users = new AtomicInteger(NO_DESCRIPTOR);

    /** Written before users becomes 0 and left alone until it is negative again. */
    private int descriptor;

    /** Cleared by the descriptor cache when it looks at the file; a lost update only keeps the file open longer. */
    private boolean usedLately;

    /** Set after each write and cleared before each sync, so that it is false only when nothing is unsynced. */
    private volatile boolean unsynced;

    private volatile boolean closing;

    /**
     * One sync or write-back at a time: the kernel tells an error of write-back to the first of them only, and the
     * next must not answer success before that one has told us. They would wait for each other's pages anyway.
     */
    private final Object syncLock = new Object();

    private @Nullable DiskException lost;

    RealDiskFile(RealDisk disk, String name) {
        this.disk = disk;
        this.name = name;
    }

    @Override
    public String name() {
        return name;
    }

    void renamed(String newName) {
        name = newName;
    }

    // ---- the data path ----

    @Override
    public void write(long position, IoVector vector) {
        int fd = acquire();
        try {
            long written;
            do {
                written = Posix.C.pwritev(fd, vector.address(), vector.count(), position);
            } while (written < 0 && Posix.interrupted());
            if (written < 0) {
                throw Posix.failure("write", name, position, vector.bytes());
            }
            if (written < vector.bytes()) {
                writeRest(fd, position, vector, written);
            }
        } finally {
            wrote();
            release();
        }
    }

    /** Writes what a short write has left, piece by piece, so that an error comes to light. */
    private void writeRest(int fd, long position, IoVector vector, long written) {
        long pieceStart = 0;
        for (int i = 0; i < vector.count(); i++) {
            int length = vector.pieceLength(i);
            long done = Math.min(length, Math.max(0, written - pieceStart));
            writeFully(fd, position + pieceStart + done, vector.pieceAddress(i) + done, length - done);
            pieceStart += length;
        }
    }

    @Override
    public int tryRead(long position, ByteBuffer destination) {
        if (!disk.readsWithoutWaiting()) {
            return WOULD_BLOCK;
        }
        IoVector vector = READ_VECTOR.get();
        vector.clear();
        vector.add(Jvm.address(destination) + destination.position(), destination.remaining());
        int fd = acquire();
        try {
            long read;
            do {
                read = Posix.C.preadv2(fd, vector.address(), vector.count(), position, Posix.RWF_NOWAIT);
            } while (read < 0 && Posix.interrupted());
            if (read >= 0) {
                return (int) read;
            }
            int errno = Posix.errno();
            if (errno == Posix.EOPNOTSUPP || errno == Posix.ENOSYS) {
                disk.cannotReadWithoutWaiting();
                return WOULD_BLOCK;
            }
            if (errno == Posix.EAGAIN) {
                return WOULD_BLOCK;
            }
            throw Posix.failure("read", name, position, destination.remaining());
        } finally {
            Reference.reachabilityFence(destination);
            release();
        }
    }

    @Override
    public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
        disk.readers().execute(() -> complete(() -> read(position, destination), executor, callback));
    }

    @Override
    public void syncAsync(Executor executor, Callback callback) {
        disk.syncers().execute(() -> complete(this::sync, executor, callback));
    }

    @Override
    public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
        disk.writeBack().execute(() -> complete(() -> writeBack(position, length), executor, callback));
    }

    private static void complete(Runnable operation, Executor executor, Callback callback) {
        DiskException failure = null;
        try {
            operation.run();
        } catch (DiskException e) {
            failure = e;
        }
        DiskException outcome = failure;
        executor.execute(() -> callback.completed(outcome));
    }

    // ---- what waits ----

    @Override
    public void write(long position, ByteBuffer source) {
        int fd = acquire();
        try {
            writeFully(fd, position, Jvm.address(source) + source.position(), source.remaining());
        } finally {
            Reference.reachabilityFence(source);
            wrote();
            release();
        }
    }

    private void writeFully(int fd, long position, long address, long length) {
        long done = 0;
        while (done < length) {
            long written = Posix.C.pwrite(fd, address + done, length - done, position + done);
            if (written > 0) {
                done += written;
            } else if (written == 0) {
                throw new DiskException(
                        DiskException.Kind.IO, "write of " + name + " at " + (position + done) + " wrote no byte");
            } else if (!Posix.interrupted()) {
                throw Posix.failure("write", name, position + done, length - done);
            }
        }
    }

    @Override
    public void read(long position, ByteBuffer destination) {
        int fd = acquire();
        try {
            readFully(fd, "read", position, destination);
        } finally {
            release();
        }
    }

    private void readFully(int fd, String call, long position, ByteBuffer destination) {
        long address = Jvm.address(destination) + destination.position();
        int length = destination.remaining();
        int done = 0;
        try {
            while (done < length) {
                long read = Posix.C.pread(fd, address + done, length - done, position + done);
                if (read > 0) {
                    done += (int) read;
                } else if (read == 0) {
                    clear(destination, destination.position() + done);
                    return;
                } else if (!Posix.interrupted()) {
                    throw Posix.failure(call, name, position + done, length - done);
                }
            }
        } finally {
            Reference.reachabilityFence(destination);
        }
    }

    private static void clear(ByteBuffer buffer, int from) {
        for (int i = from; i < buffer.limit(); i++) {
            buffer.put(i, (byte) 0);
        }
    }

    @Override
    public void readDevice(long position, ByteBuffer destination) {
        long address = Jvm.address(destination) + destination.position();
        if ((position | address | destination.remaining()) % DEVICE_ALIGNMENT != 0) {
            throw new IllegalArgumentException("not aligned to " + DEVICE_ALIGNMENT + " bytes: position=" + position
                    + " address=" + address + " length=" + destination.remaining());
        }
        checkOpen();
        int direct = disk.readsDirectly() ? openDirect() : -1;
        if (direct < 0) {
            readAfterDroppingPages(position, destination);
            return;
        }
        try {
            readFully(direct, "direct read", position, destination);
        } finally {
            Posix.C.close(direct);
        }
    }

    /** A second descriptor that passes the page cache by; negative where the file system has no such thing. */
    private int openDirect() {
        synchronized (disk.descriptors()) {
            int fd = disk.openPath(name, Posix.O_RDONLY | Posix.O_DIRECT);
            if (fd < 0) {
                if (Posix.errno() != Posix.EINVAL) {
                    throw Posix.failure("open for direct reads", name);
                }
                disk.cannotReadDirectly();
            }
            return fd;
        }
    }

    private void readAfterDroppingPages(long position, ByteBuffer destination) {
        int fd = acquire();
        try {
            writeBack(position, destination.remaining());
            Posix.C.posix_fadvise(fd, position, destination.remaining(), Posix.POSIX_FADV_DONTNEED);
            readFully(fd, "read", position, destination);
        } finally {
            release();
        }
    }

    private void writeBack(long position, long length) {
        int fd = acquire();
        try {
            synchronized (syncLock) {
                if (lost != null) {
                    throw lost;
                }
                int result;
                do {
                    result = Posix.C.sync_file_range(fd, position, length, Posix.SYNC_FILE_RANGE_ALL);
                } while (result != 0 && Posix.interrupted());
                if (result != 0) {
                    lost = Posix.failure("write-back", name, position, length);
                    throw lost;
                }
            }
        } finally {
            release();
        }
    }

    @Override
    public void sync() {
        int fd = acquire();
        try {
            syncDescriptor(fd);
        } finally {
            release();
        }
    }

    @Override
    public void forgetFailure() {
        synchronized (syncLock) {
            lost = null;
        }
    }

    private void syncDescriptor(int fd) {
        synchronized (syncLock) {
            if (lost != null) {
                throw lost;
            }
            unsynced = false;
            disk.countSync();
            int result;
            do {
                result = Posix.C.fdatasync(fd);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                lost = Posix.failure("sync", name);
                throw lost;
            }
        }
    }

    @Override
    public void allocate(long position, long length) {
        fallocate("allocate", 0, position, length);
    }

    @Override
    public void punch(long position, long length) {
        fallocate("punch", Posix.FALLOC_FL_KEEP_SIZE | Posix.FALLOC_FL_PUNCH_HOLE, position, length);
    }

    private void fallocate(String call, int mode, long position, long length) {
        int fd = acquire();
        try {
            int result;
            do {
                result = Posix.C.fallocate(fd, mode, position, length);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw Posix.failure(call, name, position, length);
            }
        } finally {
            wrote();
            release();
        }
    }

    @Override
    public void truncate(long sizeBytes) {
        int fd = acquire();
        try {
            int result;
            do {
                result = Posix.C.ftruncate(fd, sizeBytes);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw Posix.failure("truncate", name, sizeBytes, 0);
            }
        } finally {
            wrote();
            release();
        }
    }

    @Override
    public long sizeBytes() {
        int fd = acquire();
        try {
            long size = Posix.C.lseek(fd, 0, Posix.SEEK_END);
            if (size < 0) {
                throw Posix.failure("size", name);
            }
            return size;
        } finally {
            release();
        }
    }

    /** Closes the file for good. What was not synced stays the kernel's. Operations under way end normally. */
    @Override
    public void close() {
        disk.close(this);
    }

    // ---- the descriptor ----

    /** Takes the descriptor, which stays open until {@link #release}. */
    private int acquire() {
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

    private void checkOpen() {
        if (closing) {
            throw new DiskException(DiskException.Kind.IO, name + " is closed");
        }
    }

    private void release() {
        if (users.decrementAndGet() == 0 && closing) {
            disk.descriptors().close(this);
        }
    }

    private void wrote() {
        // Read first, because a volatile store costs more; a sync that clears the flag later covers this write.
        if (!unsynced) {
            unsynced = true;
        }
    }

    // ---- for the descriptor cache, under its lock ----

    boolean hasDescriptor() {
        return users.get() != NO_DESCRIPTOR;
    }

    /** Opens the file by its name. */
    void openDescriptor() {
        int fd = disk.openPath(name, disk.openFlags());
        if (fd < 0) {
            throw Posix.failure("open", name);
        }
        adopt(fd);
    }

    /** Takes over a descriptor. */
    void adopt(int fd) {
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
        if (unsynced && !syncFirst || !users.compareAndSet(0, NO_DESCRIPTOR)) {
            return false;
        }
        if (unsynced) {
            syncForEviction();
        }
        Posix.C.close(descriptor);
        return true;
    }

    /** A failure is kept for the next sync to tell: whoever opens another file is the wrong one to hear it. */
    private void syncForEviction() {
        try {
            syncDescriptor(descriptor);
        } catch (DiskException e) {
            LOG.warn("{} before its descriptor was closed; the next sync of the file will fail", e.getMessage());
        }
    }

    /** Closes the descriptor for good; false while the file is in use, and then {@link #release} comes here again. */
    boolean closeDescriptor() {
        closing = true;
        if (users.compareAndSet(0, CLOSED)) {
            Posix.C.close(descriptor);
            return true;
        }
        users.compareAndSet(NO_DESCRIPTOR, CLOSED);
        return users.get() == CLOSED;
    }
}
