package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;
import org.jspecify.annotations.Nullable;

/** An open file of a {@link SimulatedDisk}, for one life of the process. */
final class SimulatedFile implements DiskFile {
    private final SimulatedDisk disk;
    private final SimulatedContent content;
    private final int life;
    private boolean closed;
    private @Nullable DiskException lost;

    SimulatedFile(SimulatedDisk disk, SimulatedContent content, int life) {
        this.disk = disk;
        this.content = content;
        this.life = life;
    }

    @Override
    public String name() {
        return content.name;
    }

    @Override
    public long sizeBytes() {
        check();
        return content.sizeBytes();
    }

    @Override
    public long allocatedBytes() {
        check();
        return content.allocatedBytes();
    }

    // ---- for loops ----

    @Override
    public void write(long position, IoVector vector) {
        byte[] bytes = new byte[Math.toIntExact(vector.bytes())];
        int done = 0;
        for (int i = 0; i < vector.count(); i++) {
            int length = vector.pieceLength(i);
            UnsafeMemory.INSTANCE.copyMemory(
                    vector.pieceAddress(i), bytes, (long) Jvm.arrayByteBaseOffset() + done, length);
            done += length;
        }
        check();
        disk.write(content, position, bytes);
    }

    @Override
    public int tryRead(long position, ByteBuffer destination) {
        check();
        int wanted = (int) Math.max(0, Math.min(destination.remaining(), content.sizeBytes() - position));
        int cached = disk.cachedPart(content, position, wanted);
        if (cached >= 0) {
            byte[] bytes = new byte[cached];
            content.read(position, bytes);
            destination.put(destination.position(), bytes);
        }
        return cached;
    }

    @Override
    public void readAsync(long position, ByteBuffer destination, Executor executor, Callback callback) {
        check();
        disk.runAsync(() -> read(position, destination), executor, callback);
    }

    @Override
    public void syncAsync(Executor executor, Callback callback) {
        check();
        disk.runAsync(this::sync, executor, callback);
    }

    /** Write-back promises nothing: its pages are as uncertain after it as before. */
    @Override
    public void writeBackAsync(long position, long length, Executor executor, Callback callback) {
        check();
        disk.runAsync(this::check, executor, callback);
    }

    // ---- for background threads ----

    @Override
    public void write(long position, ByteBuffer source) {
        check();
        byte[] bytes = new byte[source.remaining()];
        source.get(source.position(), bytes);
        disk.write(content, position, bytes);
    }

    @Override
    public void read(long position, ByteBuffer destination) {
        check();
        disk.checkRead(content);
        byte[] bytes = new byte[destination.remaining()];
        content.read(position, bytes);
        destination.put(destination.position(), bytes);
    }

    @Override
    public void readDevice(long position, ByteBuffer destination) {
        check();
        long address = Jvm.address(destination) + destination.position();
        if ((position | address | destination.remaining()) % SimulatedContent.PAGE != 0) {
            throw new IllegalArgumentException("not aligned to 4096 bytes: position=" + position + " address=" + address
                    + " length=" + destination.remaining());
        }
        disk.checkRead(content);
        byte[] bytes = new byte[destination.remaining()];
        content.readDevice(position, bytes);
        destination.put(destination.position(), bytes);
    }

    @Override
    public void sync() {
        check();
        if (lost != null) {
            throw lost;
        }
        try {
            disk.sync(content);
        } catch (DiskException e) {
            lost = e;
            throw e;
        }
    }

    @Override
    public void forgetFailure() {
        lost = null;
    }

    @Override
    public void allocate(long position, long length) {
        check();
        disk.allocate(content, position, length);
    }

    @Override
    public void punch(long position, long length) {
        check();
        disk.change(SimulatedDisk.Operation.PUNCH, content, () -> content.punch(position, length));
    }

    @Override
    public void truncate(long sizeBytes) {
        check();
        disk.change(SimulatedDisk.Operation.TRUNCATE, content, () -> content.truncate(sizeBytes));
    }

    @Override
    public void close() {
        closed = true;
    }

    private void check() {
        disk.checkLife(life);
        if (closed || content.unlinked) {
            throw new DiskException(DiskException.Kind.IO, content.name + " is closed");
        }
    }

    /** Runs an operation and gives its failure back. */
    static @Nullable DiskException outcome(Runnable operation) {
        try {
            operation.run();
            return null;
        } catch (DiskException e) {
            return e;
        }
    }
}
