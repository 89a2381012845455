package io.varve.api;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;

/** Reads and writes what the engine has, as an NBD client would. Waits. */
public final class BlockIo {
    private BlockIo() {}

    public static void write(BlockStore store, VolumeId id, long offset, byte[] bytes) {
        Volume volume = store.open(id).join();
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        volume.loop().execute(() -> {
            volume.write(offset, buffer, false, done::complete);
            volume.submit();
        });
        ok(done);
        release(store, id, volume);
    }

    public static void trim(BlockStore store, VolumeId id, long offset, long length) {
        Volume volume = store.open(id).join();
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.trim(offset, length, false, done::complete);
            volume.submit();
        });
        ok(done);
        release(store, id, volume);
    }

    /** A release is noticed a moment later. */
    public static void release(BlockStore store, VolumeId id, Volume volume) {
        volume.release();
        Awaitility.await().until(() -> !store.inUse(id));
    }

    public static byte[] read(BlockStore store, VolumeId id, long offset, int length) {
        Volume volume = store.open(id).join();
        byte[] bytes = read(volume, offset, length);
        release(store, id, volume);
        return bytes;
    }

    public static byte[] read(BlockStore store, SnapshotId id, long offset, int length) {
        Volume snapshot = store.openSnapshot(id).join();
        byte[] bytes = read(snapshot, offset, length);
        snapshot.release();
        Awaitility.await().until(() -> !store.inUse(id));
        return bytes;
    }

    private static byte[] read(Volume volume, long offset, int length) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.read(offset, buffer, done::complete);
            volume.submit();
        });
        ok(done);
        byte[] bytes = new byte[length];
        buffer.get(0, bytes);
        return bytes;
    }

    private static void ok(CompletableFuture<IoStatus> done) {
        if (done.join() != IoStatus.OK) {
            throw new AssertionError("a request ended with " + done.join());
        }
    }
}
