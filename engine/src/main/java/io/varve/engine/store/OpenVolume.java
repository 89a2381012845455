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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
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
final class OpenVolume implements Volume, LogSpace.Owner {
    private static final Logger LOG = LoggerFactory.getLogger(OpenVolume.class);
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    /** Memory of one that is open, about: the log's batch, and a few blocks. */
    static final int BUFFER_BYTES = 80 << 10;

    private final VolumeKey key;
    private final VolumeLoop loop;
    private final VolumeHost host;
    private final VolumeCounters counters;
    private final BlockMap map;
    private final MapLoader loader;
    private final FramePool frames;
    private final ByteBudget dirty;
    private final BlockReader reader;
    private final LogWriter log;
    private final LogSpace space;
    private final WriteBatch batch;
    private final GroupCommit commit;
    private final Admission admission;
    private final VolumeTree tree;
    private final Congestion congestion;
    private final Answers answers = new Answers();
    private final HeldRequests held = new HeldRequests();
    private final Deque<Request> recycled = new ArrayDeque<>();
    private List<Request> reads = new ArrayList<>();
    private volatile long sizeBytes;
    private volatile VolumeStatus status = VolumeStatus.OK;
    private boolean readOnly;
    private boolean closing;
    private boolean pumping;
    private boolean parkedBefore;
    private long requestsInFlight;
    private @Nullable Runnable whenIdle;

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
        this.readOnly = start.readOnly();
        this.status = start.status();
        this.frames = shared.frames();
        this.dirty = shared.dirty();
        this.map = new BlockMap(frames, start.root(), start.generation(), start.floors());
        this.loader = new MapLoader(map, frames, shared.pages(), loop, counters, this::writeBatch);
        this.log = new LogWriter(key.number(), counters, shared.frameMemory());
        log.setFramed(start.compression() == Compression.LZ4);
        this.space = new LogSpace(key.toString(), loop, host, counters, log, dirty, this);
        this.batch = new WriteBatch(log, map);
        this.commit = new GroupCommit(loop, log, counters, this::logFailed);
        this.admission = new Admission(loop, host, counters, this::admit, this::submit);
        this.tree = new VolumeTree(map, log, space, commit, start.usedBlocks());
        this.congestion = new Congestion(loop, host, () -> held.size() + admission.size(), shared, map);
        this.reader = new BlockReader(
                key.toString(),
                loop,
                map,
                loader,
                shared.segments(),
                counters,
                shared.partialBlocks(),
                this::readDone,
                this::damaged);
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
        return readOnly;
    }

    @Override
    public VolumeCounters counters() {
        return counters;
    }

    VolumeKey key() {
        return key;
    }

    VolumeStatus status() {
        return status;
    }

    @Override
    public void release() {
        host.released(this);
    }

    @Override
    public void read(long offset, ByteBuffer destination, Completion completion) {
        Request request = take(Request.Kind.READ, offset, destination.remaining(), completion);
        request.buffer = destination;
        accept(request, inRange(offset, request.length) ? IoStatus.OK : IoStatus.EINVAL);
    }

    @Override
    public void read(long offset, ByteBuffer destination, ReadReport report, Completion completion) {
        report.clear();
        Request request = take(Request.Kind.READ, offset, destination.remaining(), completion);
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
        Request request = take(Request.Kind.READ, offset, length, completion);
        request.internal = true;
        into.clear();
        if (closing) {
            finish(request, IoStatus.ESHUTDOWN);
        } else if (length == 0 || maxExtents < 1 || !inRange(offset, length)) {
            finish(request, IoStatus.EINVAL);
        } else {
            new ExtentQuery(walk, offset, length, maxExtents, into).run(failure -> {
                if (failure != null) {
                    LOG.error("{}: block map: {}", key, failure.getMessage());
                    damaged("block map: " + failure.getMessage());
                }
                finish(request, failure == null ? IoStatus.OK : IoStatus.EIO);
            });
        }
    }

    @Override
    public void write(long offset, ByteBuffer source, boolean fua, Completion completion) {
        Request request = take(Request.Kind.WRITE, offset, source.remaining(), completion);
        request.buffer = source;
        request.fua = fua;
        accept(request, inRange(offset, request.length) ? changeable() : beyond(IoStatus.ENOSPC));
    }

    @Override
    public void flush(Completion completion) {
        Request request = take(Request.Kind.FLUSH, 0, 0, completion);
        if (status.health() == VolumeStatus.Health.FAILED) {
            finish(request, IoStatus.EIO);
        } else {
            commit.await(durable -> finish(request, durable ? IoStatus.OK : IoStatus.EIO));
        }
    }

    @Override
    public void trim(long offset, long length, boolean fua, Completion completion) {
        Request request = take(Request.Kind.TRIM, offset, length, completion);
        request.fua = fua;
        IoStatus first = inRange(offset, length) ? changeable() : beyond(IoStatus.EINVAL);
        long from = (offset + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
        long to = (offset + length) / BLOCK_BYTES * BLOCK_BYTES;
        if (first == IoStatus.OK && from >= to) {
            finishAfterSyncIf(request);
            return;
        }
        request.offset = from;
        request.length = to - from;
        accept(request, first);
    }

    @Override
    public void writeZeroes(long offset, long length, boolean noHole, boolean fua, Completion completion) {
        Request request = take(Request.Kind.WRITE_ZEROES, offset, length, completion);
        request.noHole = noHole;
        request.fua = fua;
        accept(request, inRange(offset, length) ? changeable() : beyond(IoStatus.ENOSPC));
    }

    private boolean inRange(long offset, long length) {
        return offset >= 0 && length >= 0 && offset <= sizeBytes - length;
    }

    private IoStatus beyond(IoStatus answer) {
        return readOnly ? IoStatus.EPERM : answer;
    }

    private IoStatus changeable() {
        if (readOnly) {
            return IoStatus.EPERM;
        }
        return status.health() == VolumeStatus.Health.FAILED ? IoStatus.EIO : IoStatus.OK;
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

    private Request take(Request.Kind kind, long offset, long length, Completion completion) {
        Request request = recycled.poll();
        if (request == null) {
            request = new Request();
        }
        request.kind = kind;
        request.offset = offset;
        request.length = length;
        request.completion = completion;
        request.startNanos = host.nanoTime();
        requestsInFlight++;
        return request;
    }

    private void accept(Request request, IoStatus first) {
        if (first != IoStatus.OK) {
            finish(request, first);
        } else if (closing) {
            finish(request, IoStatus.ESHUTDOWN);
        } else if (request.length == 0) {
            finishAfterSyncIf(request);
        } else {
            admission.offer(request);
        }
    }

    void limit(QosLimits limits) {
        admission.limit(limits);
    }

    private void admit(Request request) {
        if (!held.isEmpty() && held.mustWait(request)) {
            held.add(request, true);
        } else {
            start(request);
        }
    }

    private void start(Request request) {
        if (request.kind == Request.Kind.READ) {
            held.remove(request);
            reads.add(request);
            return;
        }
        IoStatus now = changeable();
        if (now != IoStatus.OK) {
            release(request);
            finish(request, now);
            return;
        }
        int use = request.use;
        request.starting = true;
        answers.beginAppending();
        boolean done = switch (request.kind) {
            case WRITE -> startWrite(request);
            case SNAPSHOT -> startSnapshot(request);
            default -> startClear(request);
        };
        if (request.use == use) {
            request.starting = false;
            if (done) {
                release(request);
            } else if (changeable() != IoStatus.OK && !request.waitingForIo) {
                release(request);
                finish(request, changeable());
            }
        }
        answers.endAppending();
    }

    private void release(Request request) {
        if (request.held) {
            held.remove(request);
            pump();
        }
    }

    /** Starts what waited behind requests that are held no more. */
    private void pump() {
        if (pumping) {
            return;
        }
        pumping = true;
        for (Request next = held.nextReady(); next != null; next = held.nextReady()) {
            next.behind = false;
            start(next);
        }
        pumping = false;
    }

    /** Goes on with a held request after something it waited for has happened. */
    private void resume(Request request) {
        request.waitingForIo = false;
        start(request);
        submit();
    }

    /** A held request cannot be carried out. What waited behind it is carried out by the next {@link #submit}. */
    private void giveUp(Request request, IoStatus answer) {
        request.waitingForIo = false;
        release(request);
        finish(request, answer);
    }

    private boolean startWrite(Request request) {
        if (!haveLog(request) || !haveLeaves(request, map.missing(request.firstBlock(), request.endBlock()))) {
            return false;
        }
        if (!haveEdges(request)) {
            return false;
        }
        while (request.progress < request.length) {
            if (!makeRoom(request, WriteBatch.nextPieceBlocks(request) * BLOCK_BYTES)) {
                return false;
            }
            batch.appendPiece(request);
        }
        batch.finish(request);
        return true;
    }

    private boolean startClear(Request request) {
        long first = request.offset / BLOCK_BYTES + (request.offset % BLOCK_BYTES == 0 ? 0 : 1);
        long end = (request.offset + request.length) / BLOCK_BYTES;
        if (!haveLog(request) || !haveLeaves(request, missingForClear(request, first, end)) || !haveEdges(request)) {
            return false;
        }
        if (!makeRoom(request, 0)) {
            return false;
        }
        ByteBuffer head = request.headEdge;
        ByteBuffer tail = request.tailEdge;
        if ((head != null || tail != null) && !makeRoom(request, 3 * BLOCK_BYTES)) {
            return false;
        }
        boolean middle = end > first;
        if (head != null) {
            batch.appendEdge(request.firstBlock(), head, middle || tail != null);
        }
        if (middle) {
            batch.appendClear(!request.noHole, first, end, tail != null);
        }
        if (tail != null) {
            batch.appendEdge(request.endBlock() - 1, tail, false);
        }
        batch.finish(request);
        return true;
    }

    private long missingForClear(Request request, long first, long end) {
        long missing = request.headIsPartial() ? map.missing(request.firstBlock(), request.firstBlock() + 1) : -1;
        if (missing < 0 && request.tailIsPartial()) {
            missing = map.missing(request.endBlock() - 1, request.endBlock());
        }
        return missing < 0 && end > first ? map.missingForClear(first, end) : missing;
    }

    private boolean startSnapshot(Request request) {
        SnapshotPayload payload = request.snapshot;
        LongConsumer used = request.snapshotUsed;
        if (!haveLog(request) || !makeRoom(request, LogWriter.SNAPSHOT_PAYLOAD_BYTES)) {
            return false;
        }
        if (payload == null || used == null) {
            release(request);
            finish(request, IoStatus.OK);
            return true;
        }
        batch.appendSnapshot(payload);
        writeBatch();
        if (changeable() != IoStatus.OK) {
            return false;
        }
        tree.takeSnapshot(payload);
        used.accept(tree.usedNow());
        commit.await(durable -> finish(request, durable ? IoStatus.OK : IoStatus.EIO));
        return true;
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
        Request request = take(Request.Kind.SNAPSHOT, 0, Long.MAX_VALUE / 2, completion);
        request.internal = true;
        what.accept(request);
        if (changeable() != IoStatus.OK || closing) {
            finish(request, closing ? IoStatus.ESHUTDOWN : changeable());
        } else {
            admit(request);
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

    // ---- what a request needs before it can be appended ----

    private boolean haveLog(Request request) {
        if (log.isOpen()) {
            return true;
        }
        held.add(request, false);
        space.start(request.kind == Request.Kind.WRITE ? request.length : 0, tree.usedNow() == 0 || parkedBefore);
        return false;
    }

    /** Holds a request that will be resumed. The batch goes first: what comes in may evict the pages that it needs. */
    private void holdForIo(Request request) {
        request.waitingForIo = true;
        held.add(request, false);
        writeBatch();
    }

    private boolean haveLeaves(Request request, long missing) {
        if (missing < 0) {
            return true;
        }
        holdForIo(request);
        loader.load(missing, failure -> {
            if (failure == null) {
                resume(request);
            } else {
                damaged("block map: " + failure.getMessage());
                giveUp(request, IoStatus.EIO);
                submit();
            }
        });
        return false;
    }

    /** Reads the partial blocks at the ends of a request and lays its bytes over them. */
    private boolean haveEdges(Request request) {
        boolean head = request.headIsPartial() && request.headEdge == null;
        boolean tail = request.tailIsPartial() && request.tailEdge == null;
        if (!head && !tail) {
            return true;
        }
        holdForIo(request);
        ByteBuffer edge = reader.takeEdge();
        long block = head ? request.firstBlock() : request.endBlock() - 1;
        Request part = take(Request.Kind.READ, block * BLOCK_BYTES, BLOCK_BYTES, result -> {
            edgeRead(request, edge, block, head, result);
        });
        part.internal = true;
        part.buffer = edge;
        reader.read(part);
        return false;
    }

    private void edgeRead(Request request, ByteBuffer edge, long block, boolean head, IoStatus result) {
        if (result != IoStatus.OK) {
            reader.giveEdge(edge);
            giveUp(request, result);
            submit();
            return;
        }
        long from = Math.max(request.offset, block * BLOCK_BYTES);
        long to = Math.min(request.offset + request.length, (block + 1) * BLOCK_BYTES);
        int inBlock = (int) (from - block * BLOCK_BYTES);
        int length = (int) (to - from);
        if (request.kind == Request.Kind.WRITE) {
            int source = request.buffer.position() + (int) (from - request.offset);
            BlockReader.copy(request.buffer, source, edge, inBlock, length);
        } else {
            BlockReader.zero(edge, inBlock, length);
        }
        if (head) {
            request.headEdge = edge;
        } else {
            request.tailEdge = edge;
        }
        resume(request);
    }

    /** Makes room for a record of {@code payloadBytes}; holds the request if a segment has to come first. */
    private boolean makeRoom(Request request, int payloadBytes) {
        if (batch.isEmpty() || !log.batchIsFull(8)) {
            if (space.hasRoom(payloadBytes)) {
                return space.roll(payloadBytes);
            }
        } else {
            writeBatch();
            return changeable() == IoStatus.OK && makeRoom(request, payloadBytes);
        }
        held.add(request, false);
        space.prepareNext(payloadBytes);
        return false;
    }

    @Override
    public void spaceCame() {
        for (Request request : held.all()) {
            if (isHeldForSpace(request)) {
                start(request);
            }
        }
        submit();
    }

    /** True for requests that wait for the log or a segment, and not behind others, for a page or for a block. */
    private static boolean isHeldForSpace(Request request) {
        return request.held && !request.behind && !request.waitingForIo && !request.starting;
    }

    @Override
    public void noSpace(IoStatus answer) {
        for (Request request : held.all()) {
            if (isHeldForSpace(request)) {
                giveUp(request, answer);
            }
        }
        submit();
    }

    @Override
    public boolean noSpaceForData() {
        boolean othersWait = false;
        for (Request request : held.all()) {
            if (isHeldForSpace(request)) {
                if (request.onlyGivesSpaceBack()) {
                    othersWait = true;
                } else {
                    giveUp(request, IoStatus.ENOSPC);
                }
            }
        }
        submit();
        return othersWait;
    }

    // ---- append ----

    @Override
    public boolean writeBatch() {
        if (status.health() == VolumeStatus.Health.FAILED) {
            return false;
        }
        if (log.batchIsEmpty()) {
            return true;
        }
        long bytes;
        try {
            bytes = log.writeBatch();
        } catch (DiskException e) {
            logFailed(e);
            return false;
        }
        batch.apply();
        tree.publishUsed();
        List<Request> finished = batch.takeFinished();
        for (int i = 0; i < finished.size(); i++) {
            finishAfterSyncIf(finished.get(i));
        }
        batch.recycle(finished);
        space.appended(bytes);
        host.logGrew(this, bytes);
        return true;
    }

    private void finishAfterSyncIf(Request request) {
        if (request.fua) {
            commit.await(durable -> finish(request, durable ? IoStatus.OK : IoStatus.EIO));
        } else {
            finish(request, IoStatus.OK);
        }
    }

    private void readDone(Request request) {
        finish(request, request.status);
    }

    private void finish(Request request, IoStatus result) {
        if (!request.internal) {
            long nanos = host.nanoTime() - request.startNanos;
            counters.record(request.kind.operation, request.length, nanos, result);
        }
        reader.giveEdge(request.headEdge);
        reader.giveEdge(request.tailEdge);
        boolean internal = request.internal;
        Completion completion = request.completion;
        request.reset();
        recycled.push(request);
        requestsInFlight--;
        answers.give(completion, result, internal);
        Runnable idle = whenIdle;
        if (idle != null && requestsInFlight == 0) {
            whenIdle = null;
            idle.run();
        }
    }

    // ---- trouble ----

    private void damaged(String what) {
        if (status.health() == VolumeStatus.Health.OK) {
            status = new VolumeStatus(VolumeStatus.Health.DAMAGED, what);
            host.statusChanged(this);
        }
    }

    /** The scrub has found damage that this volume reads. */
    void scrubFound(String what) {
        damaged(what);
    }

    /** What was damaged is not read any more. */
    void scrubHealed() {
        if (status.health() == VolumeStatus.Health.DAMAGED) {
            status = VolumeStatus.OK;
            host.statusChanged(this);
        }
    }

    /** A write or a sync of the log failed (law 5). */
    @Override
    public void logFailed(DiskException cause) {
        if (status.health() == VolumeStatus.Health.FAILED) {
            return;
        }
        LOG.error("{}: refuses writes after a failure of its log", key, cause);
        status = new VolumeStatus(VolumeStatus.Health.FAILED, String.valueOf(cause.getMessage()));
        host.statusChanged(this);
        batch.discard();
        for (Request request : batch.takeFinished()) {
            finish(request, IoStatus.EIO);
        }
        commit.fail();
        dirty.subtract(space.takeForSync()); // nothing is synced any more
        noSpace(IoStatus.EIO);
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
        if (!log.isOpen() || status.health() == VolumeStatus.Health.FAILED) {
            map.setFloors(newFloors);
            return null;
        }
        boolean park = rests() && log.unusedBytes() >= parkFromBytes;
        parkedBefore |= park;
        return tree.freeze(newFloors, park);
    }

    /** True when nothing is under way that appends to the log. */
    private boolean rests() {
        return requestsInFlight == 0 && held.isEmpty() && !space.isPreparing();
    }

    /** The checkpoint that a part was given to is durable. */
    void checkpointed(CheckpointPart part, WrittenPages written) {
        tree.checkpointed(part, written);
        if (frames.isTight()) {
            map.evict(Integer.MAX_VALUE);
        }
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

    /** About how many map pages a checkpoint would write. Any thread. */
    long dirtyPages() {
        return map.dirtyPages();
    }

    /** Units of the map file that a checkpoint would take at most. Any thread. */
    long dirtyUnits() {
        return map.dirtyUnits();
    }

    boolean isBusy() {
        return requestsInFlight > 0;
    }

    /** Takes no new requests; runs {@code task} when the last one is finished. */
    void quiesce(Runnable task) {
        closing = true;
        admission.letAllIn();
        submit();
        if (requestsInFlight == 0) {
            task.run();
        } else {
            whenIdle = task;
        }
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
