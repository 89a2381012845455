package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/** A disk whose segments keep nothing, so that a map can be driven for which there is no room for the data. */
public final class NullDataDisk implements Disk {
    private static final String SEGMENTS = "segments/";

    private final Disk disk;

    public NullDataDisk(Disk disk) {
        this.disk = disk;
    }

    @Override
    public boolean tryLock() {
        return disk.tryLock();
    }

    @Override
    public DiskFile open(String name, Mode mode) {
        return name.startsWith(SEGMENTS) ? new NullFile(name) : disk.open(name, mode);
    }

    @Override
    public boolean exists(String name) {
        return disk.exists(name);
    }

    @Override
    public List<String> list(String directory) {
        return disk.list(directory);
    }

    @Override
    public void createDirectory(String name) {
        disk.createDirectory(name);
    }

    @Override
    public void delete(String name) {
        if (!name.startsWith(SEGMENTS)) {
            disk.delete(name);
        }
    }

    @Override
    public void rename(String from, String to) {
        disk.rename(from, to);
    }

    @Override
    public void syncDirectory(String directory) {
        disk.syncDirectory(directory);
    }

    @Override
    public long freeBytes() {
        return disk.freeBytes();
    }

    @Override
    public long totalBytes() {
        return disk.totalBytes();
    }

    @Override
    public void close() {
        disk.close();
    }

    /** Takes everything and has nothing. */
    private record NullFile(String name, AtomicLong size) implements DiskFile {
        NullFile(String name) {
            this(name, new AtomicLong());
        }

        private void grow(long end) {
            size.accumulateAndGet(end, Math::max);
        }

        @Override
        public long sizeBytes() {
            return size.get();
        }

        @Override
        public long allocatedBytes() {
            return 0;
        }

        @Override
        public void write(long position, IoVector vector) {
            grow(position + vector.bytes());
        }

        @Override
        public int tryRead(long position, ByteBuffer destination) {
            throw new UnsupportedOperationException(name + " keeps nothing");
        }

        @Override
        public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
            throw new UnsupportedOperationException(name + " keeps nothing");
        }

        @Override
        public void syncAsync(Executor executor, Callback callback) {
            executor.execute(() -> callback.completed(null));
        }

        @Override
        public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
            executor.execute(() -> callback.completed(null));
        }

        @Override
        public void write(long position, ByteBuffer source) {
            grow(position + source.remaining());
        }

        @Override
        public void read(long position, ByteBuffer destination) {
            throw new UnsupportedOperationException(name + " keeps nothing");
        }

        @Override
        public void readDevice(long position, ByteBuffer destination) {
            throw new UnsupportedOperationException(name + " keeps nothing");
        }

        @Override
        public void sync() {}

        @Override
        public void forgetFailure() {}

        @Override
        public void allocate(long position, long length) {
            grow(position + length);
        }

        @Override
        public void punch(long position, long length) {}

        @Override
        public void truncate(long sizeBytes) {
            size.set(sizeBytes);
        }

        @Override
        public void close() {}
    }
}
