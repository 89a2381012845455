package io.varve.api.portable;

import io.varve.engine.Completion;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreException;
import io.varve.engine.Volume;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** An open volume or snapshot for a thread that may wait: one request at a time. Failed requests are IO exceptions. */
public final class BlockingVolume implements AutoCloseable {
    private static final int MOST_EXTENTS = 1024;

    private final Volume volume;
    private final Extents status = new Extents();
    private final Extents answers = new Extents();

    /** @param volume is released when this is closed */
    public BlockingVolume(Volume volume) {
        this.volume = volume;
    }

    Volume volume() {
        return volume;
    }

    /** Reads into the direct buffer {@code destination}. */
    public void read(long offset, ByteBuffer destination) {
        request("read", offset, completion -> volume.read(offset, destination, completion));
    }

    /** Writes the direct buffer {@code source}. */
    public void write(long offset, ByteBuffer source) {
        request("write", offset, completion -> volume.write(offset, source, false, completion));
    }

    /** Makes the range a hole. */
    public void trim(long offset, long length) {
        request("trim", offset, completion -> volume.trim(offset, length, false, completion));
    }

    /** Makes durable what was written. */
    public void flush() {
        request("flush", 0, volume::flush);
    }

    /** What stands from {@code offset} on; good until the next status. */
    public Extents status(long offset, long length) {
        request(
                "block status",
                offset,
                completion -> volume.blockStatus(offset, length, MOST_EXTENTS, status, completion));
        return status;
    }

    /** What {@code source} says from {@code offset} on; good until the next query. */
    public Extents query(ExtentSource source, long offset, long length) {
        request("query", offset, completion -> source.query(offset, length, MOST_EXTENTS, answers, completion));
        return answers;
    }

    private void request(String what, long offset, Consumer<Completion> request) {
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            request.accept(done::complete);
            volume.submit();
        });
        IoStatus status = done.join();
        if (status == IoStatus.ENOSPC) {
            throw new StoreException(StoreException.Kind.NO_SPACE, "the store is full");
        }
        if (status != IoStatus.OK) {
            throw new StoreException(StoreException.Kind.IO, "%s at %d ended with %s".formatted(what, offset, status));
        }
    }

    @Override
    public void close() {
        volume.release();
    }
}
