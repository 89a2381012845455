package io.varve.engine;

import io.varve.engine.store.StoreEngine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A copy-on-write block store: volumes, their snapshots, and clones of those. This is the face of the engine.
 *
 * <p>Every method may be called from any thread and none of them waits for storage: what takes I/O answers with a
 * future, which fails with a {@link StoreException}. When a future succeeds the change is durable.
 */
public interface BlockStore extends AutoCloseable {
    /** The unit of the block map, in bytes. Sizes of volumes are multiples of it. */
    int BLOCK_BYTES = 4096;

    /** The smallest volume: 1 MiB (the control plane offers whole GiB). */
    long MIN_VOLUME_BYTES = 1L << 20;

    /** How many volumes can be taken snapshots of at one instant: all of them wait for the slowest. */
    int MOST_SNAPSHOTS_AT_ONCE = 128;

    /** The largest volume: 64 TiB. */
    long MAX_VOLUME_BYTES = 64L << 40;

    /**
     * Opens the store in a directory, creating it if the directory is empty, and recovers what a crash left. Waits for
     * storage.
     *
     * @throws StoreException LOCKED, ACCESS_DENIED, NEWER_FORMAT, DAMAGED, NO_SPACE or IO
     */
    static BlockStore open(Path directory, StoreOptions options, EngineThreads threads) {
        return StoreEngine.open(directory, options, threads);
    }

    /**
     * Checks the store in a directory that nobody has open, and changes nothing there: superblocks, tables, block maps,
     * what counts as in use, logs that were not closed, headers. Waits for storage.
     *
     * @param dataBlocks read every block too
     * @return what is wrong, and what is intact
     * @throws StoreException LOCKED, ACCESS_DENIED, NEWER_FORMAT, INVALID if there is no store, or IO
     */
    static CheckReport check(Path directory, boolean dataBlocks) {
        return StoreEngine.check(directory, dataBlocks);
    }

    /**
     * Copies what can be read of a damaged store, which is not changed, into a new one: all volumes and snapshots, with
     * their ids and lineage. What cannot be read becomes a hole. Waits for storage.
     *
     * @param damaged the damaged store's directory, which nobody has open
     * @param target a directory that is empty or not there yet
     * @param options those of the new store
     * @throws StoreException DAMAGED if the damaged store's superblocks or its map are gone, LOCKED, ACCESS_DENIED,
     *     NEWER_FORMAT, INVALID if there is no store, ALREADY_EXISTS if the target is not empty, NO_SPACE or IO
     */
    static SalvageReport salvage(Path damaged, Path target, StoreOptions options, EngineThreads threads) {
        return StoreEngine.salvage(damaged, target, options, threads);
    }

    /** All volumes, oldest first. */
    List<VolumeRecord> volumes();

    /** All snapshots, oldest first; those being deleted are not among them. */
    List<SnapshotRecord> snapshots();

    Optional<VolumeRecord> volume(VolumeId id);

    Optional<SnapshotRecord> snapshot(SnapshotId id);

    /**
     * Creates an empty volume under an id that the caller has drawn.
     *
     * <p>Fails with ALREADY_EXISTS, INVALID (size) or NO_SPACE.
     */
    CompletableFuture<VolumeRecord> createVolume(VolumeId id, long sizeBytes, Compression compression);

    /** Creates an empty volume with {@link Compression#AUTO}. */
    default CompletableFuture<VolumeRecord> createVolume(VolumeId id, long sizeBytes) {
        return createVolume(id, sizeBytes, Compression.AUTO);
    }

    /**
     * Creates a volume that begins as the snapshot is, in O(1). The compression is that of what is written to it.
     *
     * <p>Fails with ALREADY_EXISTS, SNAPSHOT_NOT_FOUND, INVALID (a size under the snapshot's) or NO_SPACE.
     */
    CompletableFuture<VolumeRecord> cloneVolume(VolumeId id, long sizeBytes, SnapshotId from, Compression compression);

    /** Creates a clone with {@link Compression#AUTO}. */
    default CompletableFuture<VolumeRecord> cloneVolume(VolumeId id, long sizeBytes, SnapshotId from) {
        return cloneVolume(id, sizeBytes, from, Compression.AUTO);
    }

    /**
     * Sets what of a volume is stored compressed from now on, open or not; what is there stays as it is until
     * compaction moves it. Fails with VOLUME_NOT_FOUND or NO_SPACE.
     */
    CompletableFuture<VolumeRecord> setCompression(VolumeId id, Compression compression);

    /** Grows a volume, open or not. Fails with VOLUME_NOT_FOUND or INVALID (smaller than it is, or too large). */
    CompletableFuture<VolumeRecord> extendVolume(VolumeId id, long sizeBytes);

    /** Deletes a volume that is not open; its snapshots stay. Fails with VOLUME_NOT_FOUND or IN_USE. */
    CompletableFuture<Void> deleteVolume(VolumeId id);

    /**
     * Takes a snapshot of a volume, open or not, under an id that the caller has drawn. It holds every write completed
     * before this call and none requested after the future is complete.
     *
     * <p>Fails with VOLUME_NOT_FOUND, ALREADY_EXISTS, NO_SPACE or IO.
     */
    CompletableFuture<SnapshotRecord> createSnapshot(SnapshotId id, VolumeId of);

    /**
     * Takes snapshots of several volumes at one instant, open or not: whatever was requested of one of them after
     * another of them had completed something is in its snapshot only if that is in the other one's. All of them exist
     * afterwards, or none, also after a crash.
     *
     * <p>Fails with VOLUME_NOT_FOUND, ALREADY_EXISTS, INVALID (no volume, more than {@link #MOST_SNAPSHOTS_AT_ONCE}, an
     * id twice), NO_SPACE or IO.
     *
     * @param wanted the ids of the snapshots by volume
     * @return the snapshots in the order of {@code wanted}
     */
    CompletableFuture<List<SnapshotRecord>> createSnapshots(Map<VolumeId, SnapshotId> wanted);

    /**
     * Deletes a snapshot that is not open; volumes cloned from it stay. The space that only it held comes back in the
     * background. Fails with SNAPSHOT_NOT_FOUND or IN_USE.
     */
    CompletableFuture<Void> deleteSnapshot(SnapshotId id);

    /**
     * Opens a volume for reading and writing, recovering it first where that is due; opening one that is open gives the
     * same handle once more. Pair with {@link Volume#release}.
     */
    CompletableFuture<Volume> open(VolumeId id);

    /** Opens a snapshot for reading. Pair with {@link Volume#release}. */
    CompletableFuture<Volume> openSnapshot(SnapshotId id);

    /**
     * The snapshots that a volume descends from, newest first: those taken of it, those of the volume that it is a
     * clone of up to its origin, and so on.
     */
    CompletableFuture<List<SnapshotId>> lineage(VolumeId id);

    /** The older snapshots that a snapshot descends from, newest first. */
    CompletableFuture<List<SnapshotId>> lineage(SnapshotId id);

    /**
     * Tells what was changed in an open volume, or in a snapshot that is open for reading, since an older snapshot of
     * its lineage: 1 for blocks that read otherwise now, 0 for the others. It costs as much as was changed. The older
     * snapshot is in use until {@link ExtentSource#release}.
     *
     * <p>Fails with SNAPSHOT_NOT_FOUND, or INVALID if the snapshot is none of its lineage.
     */
    CompletableFuture<ExtentSource> changedSince(Volume volume, SnapshotId since);

    /**
     * Tells in which layer of an open volume's or snapshot's lineage each block was written: 0 for holes and zeroes, 1
     * since its newest snapshot (or since it was cloned), 2 since the snapshot before, and so on.
     */
    CompletableFuture<ExtentSource> allocationDepth(Volume volume);

    /**
     * Sets how fast a volume may go, at once if it is open and at its next opening if not. Not kept across restarts.
     */
    void limit(VolumeId id, QosLimits limits);

    /**
     * Sets what a volume gets while more is asked of the store than {@link StoreOptions#limits} allow; at once. Not
     * kept across restarts.
     */
    void share(VolumeId id, QosShare share);

    /** How many volumes wait because the store as a whole is held to its limits. */
    int waitingVolumes();

    /**
     * Has a volume begin its first opening in this process with what it had saved for bursts in an earlier one; without
     * this it begins with all that it can have. Nothing for volumes without {@link QosLimits#burst}.
     */
    void restoreCredits(VolumeId id, long credits);

    /** What a volume has saved for bursts; empty if its limits know no bursts. */
    Optional<BurstBalance> burstBalance(VolumeId id);

    /** True while somebody holds the volume open through {@link #open}. */
    boolean inUse(VolumeId id);

    /** True while somebody holds the snapshot open through {@link #openSnapshot}. */
    boolean inUse(SnapshotId id);

    /** The counters of a volume since it was first opened in this process; empty if it never was. */
    Optional<VolumeCounters> counters(VolumeId id);

    /** Space that a volume takes. */
    VolumeUsage usage(VolumeId id);

    /** Space that a snapshot takes. */
    VolumeUsage usage(SnapshotId id);

    /** How far the scrub is and what it has found. */
    ScrubStatus scrub();

    /** Space of the whole store. */
    StoreUsage usage();

    /**
     * Gives a piece of the space held in reserve to the file system, for somebody whose own files in the data directory
     * must grow although the disk is full. It is taken back when there is space again. False if nothing is left.
     */
    CompletableFuture<Boolean> yieldReserve();

    /** What the store has of the memory that its {@link MemoryBudget} gives it, by consumer. */
    Map<MemoryUse, MemoryShare> memory();

    /** What compaction does. */
    CompactionCounters compaction();

    /** Writes a checkpoint now: recovery after it has nothing to replay. */
    CompletableFuture<Void> checkpoint();

    /** Waits for what was received, syncs, writes a checkpoint and lets go of the data directory. Blocks. */
    @Override
    void close();
}
