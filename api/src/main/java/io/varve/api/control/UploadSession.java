package io.varve.api.control;

import io.varve.api.portable.BlockingVolume;
import io.varve.engine.BlockStore;
import io.varve.engine.ExtentSource;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * An upload in this process: its hidden volume, open, and who is writing to it. Which blocks were sent is not kept here
 * but asked of the block map: those that were written since the volume began. Waits; thread-safe.
 */
final class UploadSession {
    /** What was written since the volume was created or cloned is this many layers down. */
    private static final int WRITTEN = 1;

    private final BlockStore store;
    private final DirectBlocks blocks;
    private final VolumeId id;

    /** Shared by those who write blocks; whoever has it alone finds no block half-written and none coming. */
    private final ReadWriteLock turns = new ReentrantReadWriteLock();

    private final Set<Integer> writing = ConcurrentHashMap.newKeySet();
    private final Object completions = new Object();
    private volatile Instant lastBlock;
    private @Nullable Volume volume;
    private @Nullable Completion completing;

    UploadSession(BlockStore store, DirectBlocks blocks, VolumeId id, Instant now) {
        this.store = store;
        this.blocks = blocks;
        this.id = id;
        lastBlock = now;
    }

    /** When a block came last. */
    Instant lastBlock() {
        return lastBlock;
    }

    /** Writes a block. Fails with INCORRECT_STATE while it is being completed, CONFLICTING_BLOCK_UPDATE. */
    void write(int index, byte[] bytes, Runnable stillPending, Instant now) {
        if (!turns.readLock().tryLock()) {
            throw new RequestException(ErrorCode.INCORRECT_STATE, "the snapshot is being completed");
        }
        try {
            if (!writing.add(index)) {
                throw new RequestException(
                        ErrorCode.CONFLICTING_BLOCK_UPDATE, "block " + index + " is being written by another request");
            }
            try {
                stillPending.run();
                ByteBuffer buffer = blocks.buffer().put(bytes).flip();
                new BlockingVolume(volume()).write((long) index * DirectBlocks.BYTES, buffer);
                lastBlock = now;
            } finally {
                writing.remove(index);
            }
        } finally {
            turns.readLock().unlock();
        }
    }

    /** Does something while no block is being written. Fails with INCORRECT_STATE if one is just now. */
    void alone(Runnable task) {
        if (!turns.writeLock().tryLock()) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE, "blocks of the snapshot are being written, or it is being completed");
        }
        try {
            task.run();
        } finally {
            turns.writeLock().unlock();
        }
    }

    /** Does something after the blocks that are being written, while later ones are refused. */
    void afterwards(Runnable task) {
        turns.writeLock().lock();
        try {
            task.run();
        } finally {
            turns.writeLock().unlock();
        }
    }

    /**
     * One completion.
     *
     * @param work ends with it
     * @param answer what the client is told, perhaps before
     */
    record Completion(CompletableFuture<?> work, CompletableFuture<Boolean> answer) {}

    /** The completion that is under way, or a new one. */
    CompletableFuture<Boolean> completion(Supplier<Completion> begin) {
        synchronized (completions) { // never held while something waits, as this object's own lock is
            if (completing == null || completing.work().isDone()) {
                completing = begin.get();
            }
            return completing.answer();
        }
    }

    /** The blocks that were sent, in ascending order. */
    List<Integer> written() {
        Volume open = volume();
        ExtentSource depth = EngineCalls.await(store.allocationDepth(open));
        try {
            BlockingVolume asking = new BlockingVolume(open);
            List<Integer> found = new ArrayList<>();
            int end = (int) (open.sizeBytes() / DirectBlocks.BYTES);
            int unused = new BlockWalk(
                            (offset, length) -> asking.query(depth, offset, length), value -> value == WRITTEN)
                    .collect(0, end, Integer.MAX_VALUE, Integer.MAX_VALUE, found::add);
            return found;
        } finally {
            depth.release();
        }
    }

    /** The digest of the digests of some blocks as they stand in storage. */
    byte[] linearDigest(List<Integer> of) {
        MessageDigest all = DirectBlocks.newDigest();
        for (int index : of) {
            all.update(blocks.digest(SnapshotBlocks.read(blocks, volume(), index, blocks.array())));
        }
        return all.digest();
    }

    private synchronized Volume volume() {
        if (volume == null) {
            volume = EngineCalls.await(store.open(id));
        }
        return volume;
    }

    /** Lets go of the volume. */
    synchronized void close() {
        if (volume != null) {
            volume.release();
            volume = null;
        }
    }
}
