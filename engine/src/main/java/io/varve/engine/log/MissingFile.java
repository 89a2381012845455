package io.varve.engine.log;

import io.varve.engine.io.DiskException;
import io.varve.engine.io.DiskFile;
import io.varve.engine.io.IoVector;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/**
 * Stands for a file that the table names and that is gone: everything fails, so that whoever needs it is told, and the
 * rest of the store goes on.
 */
final class MissingFile implements DiskFile {
    private final String name;

    MissingFile(String name) {
        this.name = name;
    }

    private DiskException missing() {
        return new DiskException(DiskException.Kind.IO, "the file " + name + " is missing");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() {
        return 0;
    }

    @Override
    public long allocatedBytes() {
        return 0;
    }

    @Override
    public void write(long position, IoVector vector) {
        throw missing();
    }

    /** Leaves it to {@link #readAsync} to tell. */
    @Override
    public int tryRead(long position, ByteBuffer destination) {
        return WOULD_BLOCK;
    }

    @Override
    public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
        executor.execute(() -> callback.completed(missing()));
    }

    @Override
    public void syncAsync(Executor executor, Callback callback) {
        executor.execute(() -> callback.completed(missing()));
    }

    @Override
    public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
        executor.execute(() -> callback.completed(missing()));
    }

    @Override
    public void write(long position, ByteBuffer source) {
        throw missing();
    }

    @Override
    public void read(long position, ByteBuffer destination) {
        throw missing();
    }

    @Override
    public void readDevice(long position, ByteBuffer destination) {
        throw missing();
    }

    @Override
    public void sync() {
        throw missing();
    }

    @Override
    public void forgetFailure() {}

    @Override
    public void allocate(long position, long length) {
        throw missing();
    }

    @Override
    public void punch(long position, long length) {
        throw missing();
    }

    @Override
    public void truncate(long sizeBytes) {
        throw missing();
    }

    @Override
    public void close() {}
}
