package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import net.openhft.chronicle.core.UnsafeMemory;
import org.jspecify.annotations.Nullable;

/** A file of an {@link OverlayDisk}. What may wait elsewhere waits here too: nothing of this is a data path. */
final class OverlayFile implements DiskFile {
    private final OverlayContent content;

    OverlayFile(OverlayContent content) {
        this.content = content;
    }

    @Override
    public String name() {
        return content.name();
    }

    @Override
    public long sizeBytes() {
        return content.sizeBytes();
    }

    @Override
    public long allocatedBytes() {
        return content.sizeBytes();
    }

    @Override
    public void write(long position, IoVector vector) {
        long at = position;
        for (int i = 0; i < vector.count(); i++) {
            byte[] piece = new byte[vector.pieceLength(i)];
            for (int j = 0; j < piece.length; j++) {
                piece[j] = UnsafeMemory.INSTANCE.readByte(vector.pieceAddress(i) + j);
            }
            content.write(at, ByteBuffer.wrap(piece));
            at += piece.length;
        }
    }

    @Override
    public int tryRead(long position, ByteBuffer destination) {
        return WOULD_BLOCK;
    }

    @Override
    public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
        DiskException failure = null;
        try {
            content.read(position, destination);
        } catch (DiskException e) {
            failure = e;
        }
        answer(executor, callback, failure);
    }

    private static void answer(Executor executor, Callback callback, @Nullable DiskException failure) {
        executor.execute(() -> callback.completed(failure));
    }

    @Override
    public void syncAsync(Executor executor, Callback callback) {
        answer(executor, callback, null);
    }

    @Override
    public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
        answer(executor, callback, null);
    }

    @Override
    public void write(long position, ByteBuffer source) {
        content.write(position, source);
    }

    @Override
    public void read(long position, ByteBuffer destination) {
        content.read(position, destination);
    }

    @Override
    public void readDevice(long position, ByteBuffer destination) {
        content.read(position, destination);
    }

    @Override
    public void sync() {}

    @Override
    public void forgetFailure() {}

    @Override
    public void allocate(long position, long length) {
        content.grow(position + length);
    }

    @Override
    public void punch(long position, long length) {
        content.clear(position, length);
    }

    @Override
    public void truncate(long sizeBytes) {
        content.truncate(sizeBytes);
    }

    @Override
    public void close() {}
}
