package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.Compression;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import io.varve.engine.QosLimits;
import io.varve.engine.ReadReport;
import io.varve.engine.Volume;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import io.varve.engine.VolumeStatus;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.FrameMemory;
import io.varve.engine.log.LogWriter;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.ExtentWalk;
import io.varve.engine.map.Floors;
import io.varve.engine.map.FramePool;
import io.varve.engine.map.MapLoader;
import io.varve.engine.map.MapRoot;
import io.varve.engine.map.PageFile;
import io.varve.engine.map.StatusWalk;
import io.varve.engine.map.WrittenPages;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A volume (or a snapshot, for reading) that is open: its requests, its log and its map, all on one loop without locks.
 *
 * <p>A write goes: throttle, wait for earlier requests that touch the same blocks and are held, bring the map's pages
 * in, complete partial blocks, append to the batch. {@link #submit} hands the batch to the kernel in one call, points the
 * map at it and answers. Reads are carried out behind the batch.
 */
final class OpenVolume implements Volume, WritePath.Owner {
    private static final Logger LOG = LoggerFactory.getLogger(OpenVolume.class);
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    /** Memory of one that is open, about: the log's batch, and a few blocks. */
    static final int BUFFER_BYTES = 80 << 10;

    private final VolumeKey key;
    private final VolumeLoop loop;
    private final VolumeHost host;
    private final VolumeCounters counters;
    private final VolumeHealth health;
    private final BlockMap map;
    private final MapLoader loader;
    private final BlockReader reader;
    private final VolumeRequests requests;
    private final WritePath path;
    private final LogWriter log;
    private final GroupCommit commit;
    private final VolumeTree tree;
    private final Admission admission;
    private final Congestion congestion;
    private final Answers answers = new Answers();
    private List<Request> reads = new ArrayList<>();
    private volatile long sizeBytes;
    private boolean closing;

    /**
     * What a volume begins with when it is opened.
     *
     * @param key who it is
     * @param sizeBytes its size
     * @param readOnly true for snapshots and damaged volumes
     * @param root its tree
     * @param generation the next generation of its map
     * @param floors what of the tree snapshots need
     * @param usedBlocks blocks with data that it reads
     * @param compression what of that which is written is compressed
     * @param status what recovery found
     */
    record Start(
            VolumeKey key,
            long sizeBytes,
            boolean readOnly,
            MapRoot root,
            long generation,
            Floors floors,
            long usedBlocks,
            Compression compression,
            VolumeStatus status) {}

    /** What volumes of one store share. */
    record Shared(
            FramePool frames,
            PageFile pages,
            SegmentStore segments,
            ByteBudget dirty,
            FrameMemory frameMemory,
            ByteBudget partialBlocks,
            SpacePressure pressure) {}

    OpenVolume(Start start, Shared shared, VolumeLoop loop, VolumeHost host, VolumeCounters counters) {
        this.key = start.key();
        this.loop = loop;
        this.host = host;
        this.counters = counters;
        this.sizeBytes = start.sizeBytes();
        this.health = new VolumeHealth(key, start.readOnly(), start.status(), () -> host.statusChanged(this));
        FramePool frames = shared.frames();
        this.map = new BlockMap(frames, start.root(), start.generation(), start.floors());
        this.loader = new MapLoader(map, frames, shared.pages(), loop, counters, this::writeBatch);
        this.reader = new BlockReader(
                key.toString(),
                loop,
                map,
                loader,
                shared.segments(),
                counters,
                shared.partialBlocks(),
                this::readDone,
                health::damaged);
        this.requests = new VolumeRequests(host, counters, reader, answers);
        WritePath.Parts parts =
                new WritePath.Parts(key, loop, host, counters, health, map, loader, reader, requests, answers);
        this.path = new WritePath(this, parts, shared, start.usedBlocks());
        this.log = path.log();
        log.setFramed(start.compression() == Compression.LZ4);
        this.commit = path.commit();
        this.tree = path.tree();
        this.admission = new Admission(loop, host, counters, path::admit, this::submit);
        this.congestion = new Congestion(loop, host, () -> path.heldRequests() + admission.size(), shared, map);
    }

    // ---- face ----

    @Override
    public VolumeLoop loop() {
        return loop;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return health.readOnly();
    }

    @Override
    public VolumeCounters counters() {
        return counters;
    }

    VolumeKey key() {
        return key;
    }

    VolumeStatus status() {
        return health.status();
    }

    @Override
    public void release() {
        host.released(this);
    }

    @Override
    public void read(long offset, ByteBuffer destination, Completion completion) {
        Request request = requests.take(Request.Kind.READ, offset, destination.remaining(), completion);
        request.buffer = destination;
        accept(request, inRange(offset, request.length) ? IoStatus.OK : IoStatus.EINVAL);
    }

    @Override
    public void read(long offset, ByteBuffer destination, ReadReport report, Completion completion) {
        report.clear();
        Request request = requests.take(Request.Kind.READ, offset, destination.remaining(), completion);
        request.buffer = destination;
        request.report = report;
        accept(request, inRange(offset, request.length) ? IoStatus.OK : IoStatus.EINVAL);
    }

    @Override
    public void blockStatus(long offset, long length, int maxExtents, Extents into, Completion completion) {
        query(new StatusWalk(map, loader, StatusWalk::stateOf), offset, length, maxExtents, into, completion);
    }

    /** Answers a question about a range by a walk over the map; see {@link io.varve.engine.ExtentSource#query}. */
    void query(ExtentWalk walk, long offset, long length, int maxExtents, Extents into, Completion completion) {
        Request request = requests.take(Request.Kind.READ, offset, length, completion);
        request.internal = true;
        into.clear();
        if (closing) {
            requests.finish(request, IoStatus.ESHUTDOWN);
        } else if (length == 0 || maxExtents < 1 || !inRange(offset, length)) {
            requests.finish(request, IoStatus.EINVAL);
        } else {
            new ExtentQuery(walk, offset, length, maxExtents, into).run(failure -> {
                if (failure != null) {
                    LOG.error("{}: block map: {}", key, failure.getMessage());
                    health.damaged("block map: " + failure.getMessage());
                }
                requests.finish(request, failure == null ? IoStatus.OK : IoStatus.EIO);
            });
        }
    }

    @Override
    public void write(long offset, ByteBuffer source, boolean fua, Completion completion) {
        Request request = requests.take(Request.Kind.WRITE, offset, source.remaining(), completion);
        request.buffer = source;
        request.fua = fua;
        accept(request, inRange(offset, request.length) ? changeable() : beyond(IoStatus.ENOSPC));
    }

    @Override
    public void flush(Completion completion) {
        Request request = requests.take(Request.Kind.FLUSH, 0, 0, completion);
        if (health.hasFailed()) {
            requests.finish(request, IoStatus.EIO);
        } else {
            commit.await(durable -> requests.finish(request, durable ? IoStatus.OK : IoStatus.EIO));
        }
    }

    @Override
    public void trim(long offset, long length, boolean fua, Completion completion) {
        Request request = requests.take(Request.Kind.TRIM, offset, length, completion);
        request.fua = fua;
        IoStatus first = inRange(offset, length) ? changeable() : beyond(IoStatus.EINVAL);
        long from = (offset + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
        long to = (offset + length) / BLOCK_BYTES * BLOCK_BYTES;
        if (first == IoStatus.OK && from >= to) {
            path.finishAfterSyncIf(request);
            return;
        }
        request.offset = from;
        request.length = to - from;
        accept(request, first);
    }

    @Override
    public void writeZeroes(long offset, long length, boolean noHole, boolean fua, Completion completion) {
        Request request = requests.take(Request.Kind.WRITE_ZEROES, offset, length, completion);
        request.noHole = noHole;
        request.fua = fua;
        accept(request, inRange(offset, length) ? changeable() : beyond(IoStatus.ENOSPC));
    }

    private boolean inRange(long offset, long length) {
        return offset >= 0 && length >= 0 && offset <= sizeBytes - length;
    }

    /** OK, or what a change is answered now. */
    private IoStatus changeable() {
        return congestion.refusesChanges() ? IoStatus.ENOSPC : health.changeable();
    }

    private IoStatus beyond(IoStatus answer) {
        return health.readOnly() ? IoStatus.EPERM : answer;
    }

    @Override
    public void submit() {
        writeBatch();
        startReads();
        commit.start();
        congestion.wake();
    }

    private void startReads() {
        while (!reads.isEmpty()) {
            List<Request> now = reads;
            reads = new ArrayList<>();
            for (int i = 0; i < now.size(); i++) {
                reader.read(now.get(i));
            }
            if (reads.isEmpty()) {
                now.clear();
                reads = now;
            }
        }
    }

    @Override
    public boolean congested() {
        return congestion.isCongested();
    }

    @Override
    public void whenWritable(Runnable task) {
        congestion.whenOver(task);
    }

    // ---- requests ----

    private void accept(Request request, IoStatus first) {
        if (first != IoStatus.OK) {
            requests.finish(request, first);
        } else if (closing) {
            requests.finish(request, IoStatus.ESHUTDOWN);
        } else if (request.length == 0) {
            path.finishAfterSyncIf(request);
        } else {
            admission.offer(request);
        }
    }

    void limit(QosLimits limits) {
        admission.limit(limits);
    }

    /**
     * Puts a snapshot in the log behind everything that was received; answers when it is durable.
     *
     * @param used told how many blocks with data the snapshot reads, before {@code completion} is called
     */
    void snapshot(SnapshotPayload payload, LongConsumer used, Completion completion) {
        snapshot(completion, request -> {
            request.snapshot = payload;
            request.snapshotUsed = used;
        });
    }

    /** Answers when the log is open and has room for a snapshot behind everything that was received. */
    void prepareSnapshot(Completion completion) {
        snapshot(completion, request -> {});
    }

    private void snapshot(Completion completion, Consumer<Request> what) {
        submit();
        Request request = requests.take(Request.Kind.SNAPSHOT, 0, Long.MAX_VALUE / 2, completion);
        request.internal = true;
        what.accept(request);
        if (health.changeable() != IoStatus.OK || closing) {
            requests.finish(request, closing ? IoStatus.ESHUTDOWN : health.changeable());
        } else {
            path.admit(request);
            submit();
        }
    }

    /**
     * Keeps every answer back until {@link #releaseAnswers}, so that nobody does something elsewhere because of what this
     * volume has done meanwhile.
     */
    void holdAnswers() {
        answers.hold();
    }

    void releaseAnswers() {
        answers.release();
    }

    private boolean writeBatch() {
        return path.writeBatch();
    }

    @Override
    public void startRead(Request read) {
        reads.add(read);
    }

    @Override
    public void logGrew(long bytes) {
        host.logGrew(this, bytes);
    }

    private void readDone(Request request) {
        requests.finish(request, request.status);
    }

    // ---- trouble ----

    /** The scrub has found damage that this volume reads. */
    void scrubFound(String what) {
        health.damaged(what);
    }

    /** What was damaged is not read any more. */
    void scrubHealed() {
        health.healed();
    }

    /** A write or a sync of the log failed (law 5). */
    @Override
    public void logFailed(DiskException cause) {
        if (health.fail(cause)) {
            path.fail();
            map.giveUp();
            congestion.wakeOrWait();
        }
    }

    // ---- for the store ----

    /**
     * Freezes the volume for a checkpoint, and lets {@code newFloors} hold from this instant on
     * (unless a snapshot was taken of which the store does not know yet); null if nothing can have
     * changed since the last checkpoint, or the log has failed.
     *
     * @param parkFromBytes the log is parked if the volume rests and at least so many bytes are allocated for it in vain:
     *     it ends, and the next write begins it anew
     */
    @Nullable
    CheckpointPart freeze(Floors newFloors, long parkFromBytes) {
        writeBatch();
        if (!log.isOpen() || health.hasFailed()) {
            map.setFloors(newFloors);
            return null;
        }
        boolean park = rests() && log.unusedBytes() >= parkFromBytes;
        return tree.freeze(newFloors, park);
    }

    /** True when nothing is under way that appends to the log. */
    private boolean rests() {
        return !requests.areUnderWay()
                && path.heldRequests() == 0
                && !path.space().isPreparing();
    }

    /** The checkpoint that a part was given to is durable. */
    void checkpointed(CheckpointPart part, WrittenPages written) {
        tree.checkpointed(part, written);
        map.evictSurplus();
        congestion.wakeOrWait();
    }

    /** Syncing for a checkpoint failed. */
    void syncFailed(DiskException cause) {
        logFailed(cause);
    }

    void setFloors(Floors floors) {
        map.setFloors(floors);
    }

    /** Segments have moved; {@code readsEnded} runs when no read is left that may have found one where it was. */
    void placesChanged(Runnable readsEnded) {
        reader.placesChanged(readsEnded);
    }

    Floors floors() {
        return map.floors();
    }

    BlockMap map() {
        return map;
    }

    MapLoader loader() {
        return loader;
    }

    /** Compresses what is written from now on, or no more. */
    void compress(Compression compression) {
        submit();
        log.setFramed(compression == Compression.LZ4);
    }

    void extend(long newSizeBytes) {
        sizeBytes = newSizeBytes;
    }

    /** Blocks that a trim cut off have been counted: they are used no more, nor by snapshots taken since. */
    void reclaimed(long blocks) {
        tree.reclaimed(blocks);
    }

    /** Blocks with data that the volume reads now. Any thread. */
    long usedBlocks() {
        return tree.usedBlocks();
    }

    /** Units of the map file that a checkpoint would take at most. Any thread. */
    long dirtyUnits() {
        return map.dirtyUnits();
    }

    boolean isBusy() {
        return requests.areUnderWay();
    }

    /** Takes no new requests; runs {@code task} when the last one is finished. */
    void quiesce(Runnable task) {
        closing = true;
        admission.letAllIn();
        submit();
        requests.whenNone(task);
    }

    /** Lets go of memory. Nothing is called after this. */
    void close() {
        loader.close();
        map.close();
    }

    /** Runs {@code consumer} on the loop with this volume. */
    void onLoop(Consumer<OpenVolume> consumer) {
        loop.execute(() -> consumer.accept(this));
    }
}
