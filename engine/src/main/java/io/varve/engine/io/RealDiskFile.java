package io.varve.engine.io;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import net.openhft.chronicle.core.Jvm;

/**
 * A file of a {@link RealDisk}. It stands for the file and not for a descriptor, which is opened when it is needed
 * ({@link CachedDescriptor}). Deleting its name closes it.
 *
 * <p>Thread-safe. {@link #write(long, IoVector)} and {@link #tryRead} allocate nothing and take no lock but to open the
 * descriptor. A failed sync or write-back is final ({@link FileSync}).
 */
final class RealDiskFile implements DiskFile {
    private static final int DEVICE_ALIGNMENT = 4096;

    /** One {@code struct iovec} for each thread that reads. */
    private static final ThreadLocal<IoVector> READ_VECTOR = ThreadLocal.withInitial(IoVector::new);

    private final RealDisk disk;
    private final FileSync sync;
    private final CachedDescriptor descriptor;

    RealDiskFile(RealDisk disk, String name) {
        this.disk = disk;
        this.sync = new FileSync(disk);
        this.descriptor = new CachedDescriptor(disk, sync, name);
    }

    @Override
    public String name() {
        return descriptor.name();
    }

    CachedDescriptor descriptor() {
        return descriptor;
    }

    // ---- the data path ----

    @Override
    public void write(long position, IoVector vector) {
        int fd = descriptor.acquire();
        try {
            long written;
            do {
                written = Posix.C.pwritev(fd, vector.address(), vector.count(), position);
            } while (written < 0 && Posix.interrupted());
            if (written < 0) {
                throw Posix.failure("write", name(), position, vector.bytes());
            }
            if (written < vector.bytes()) {
                writeRest(fd, position, vector, written);
            }
        } finally {
            sync.wrote();
            descriptor.release();
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
        int fd = descriptor.acquire();
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
            throw Posix.failure("read", name(), position, destination.remaining());
        } finally {
            Reference.reachabilityFence(destination);
            descriptor.release();
        }
    }

    @Override
    public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
        disk.threads().readers().execute(() -> complete(() -> read(position, destination), executor, callback));
    }

    @Override
    public void syncAsync(Executor executor, Callback callback) {
        disk.threads().syncers().execute(() -> complete(this::sync, executor, callback));
    }

    @Override
    public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
        disk.threads().writeBack().execute(() -> complete(() -> writeBack(position, length), executor, callback));
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
        int fd = descriptor.acquire();
        try {
            writeFully(fd, position, Jvm.address(source) + source.position(), source.remaining());
        } finally {
            Reference.reachabilityFence(source);
            sync.wrote();
            descriptor.release();
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
                        DiskException.Kind.IO, "write of " + name() + " at " + (position + done) + " wrote no byte");
            } else if (!Posix.interrupted()) {
                throw Posix.failure("write", name(), position + done, length - done);
            }
        }
    }

    @Override
    public void read(long position, ByteBuffer destination) {
        int fd = descriptor.acquire();
        try {
            readFully(fd, "read", position, destination);
        } finally {
            descriptor.release();
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
                    throw Posix.failure(call, name(), position + done, length - done);
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
        descriptor.checkOpen();
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
            int fd = disk.openPath(name(), Posix.O_RDONLY | Posix.O_DIRECT);
            if (fd < 0) {
                if (Posix.errno() != Posix.EINVAL) {
                    throw Posix.failure("open for direct reads", name());
                }
                disk.cannotReadDirectly();
            }
            return fd;
        }
    }

    private void readAfterDroppingPages(long position, ByteBuffer destination) {
        int fd = descriptor.acquire();
        try {
            writeBack(position, destination.remaining());
            Posix.C.posix_fadvise(fd, position, destination.remaining(), Posix.POSIX_FADV_DONTNEED);
            readFully(fd, "read", position, destination);
        } finally {
            descriptor.release();
        }
    }

    private void writeBack(long position, long length) {
        int fd = descriptor.acquire();
        try {
            sync.writeBack(fd, name(), position, length);
        } finally {
            descriptor.release();
        }
    }

    @Override
    public void sync() {
        int fd = descriptor.acquire();
        try {
            sync.sync(fd, name());
        } finally {
            descriptor.release();
        }
    }

    @Override
    public void forgetFailure() {
        sync.forgetFailure();
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
        int fd = descriptor.acquire();
        try {
            int result;
            do {
                result = Posix.C.fallocate(fd, mode, position, length);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw Posix.failure(call, name(), position, length);
            }
        } finally {
            sync.wrote();
            descriptor.release();
        }
    }

    @Override
    public void truncate(long sizeBytes) {
        int fd = descriptor.acquire();
        try {
            int result;
            do {
                result = Posix.C.ftruncate(fd, sizeBytes);
            } while (result != 0 && Posix.interrupted());
            if (result != 0) {
                throw Posix.failure("truncate", name(), sizeBytes, 0);
            }
        } finally {
            sync.wrote();
            descriptor.release();
        }
    }

    @Override
    public long allocatedBytes() {
        int fd = descriptor.acquire();
        try {
            long allocated = Posix.allocatedBytes(fd);
            if (allocated < 0) {
                throw Posix.failure("stat", name());
            }
            return allocated;
        } finally {
            descriptor.release();
        }
    }

    @Override
    public long sizeBytes() {
        int fd = descriptor.acquire();
        try {
            long size = Posix.C.lseek(fd, 0, Posix.SEEK_END);
            if (size < 0) {
                throw Posix.failure("size", name());
            }
            return size;
        } finally {
            descriptor.release();
        }
    }

    /** Closes the file for good. What was not synced stays the kernel's. Operations under way end normally. */
    @Override
    public void close() {
        disk.close(this);
    }
}
