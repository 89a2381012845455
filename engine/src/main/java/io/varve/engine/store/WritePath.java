package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.IoStatus;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeLoop;
import io.varve.engine.io.DiskException;
import io.varve.engine.log.LogWriter;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.MapLoader;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * The way of requests into a volume's log. What cannot be appended yet is held, in order of arrival: behind earlier
 * requests for the same blocks, for pages of the map, for the rest of a partial block, for a segment. What can is
 * appended to a batch, and answered when {@link #writeBatch} has handed that to the kernel and pointed the map at it.
 * Reads pass through only to wait behind changes of what they read.
 *
 * <p>Loop only; hot path.
 */
final class WritePath implements LogSpace.Owner {
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    /** The volume whose requests these are. */
    interface Owner {
        /** Ends what was requested so far: hands the batch to the kernel, starts reads and syncs. */
        void submit();

        /** Nothing is in this read's way any more. */
        void startRead(Request read);

        /** The log cannot go on (law 5). */
        void logFailed(DiskException cause);

        /** The log has got so many bytes more. */
        void logGrew(long bytes);
    }

    private final Owner owner;
    private final VolumeHealth health;
    private final VolumeRequests requests;
    private final LogWriter log;
    private final LogSpace space;
    private final WriteBatch batch;
    private final BlockMap map;
    private final MapLoader loader;
    private final PartialBlocks partialBlocks;
    private final VolumeTree tree;
    private final GroupCommit commit;
    private final Answers answers;
    private final ByteBudget dirty;
    private final HeldRequests held = new HeldRequests();
    private boolean pumping;
    private boolean failed;

    /** What a volume is made of besides. */
    record Parts(
            VolumeKey key,
            VolumeLoop loop,
            VolumeHost host,
            VolumeCounters counters,
            VolumeHealth health,
            BlockMap map,
            MapLoader loader,
            BlockReader reader,
            VolumeRequests requests,
            Answers answers) {}

    /** @param usedBlocks blocks with data that the volume reads */
    WritePath(Owner owner, Parts parts, OpenVolume.Shared shared, long usedBlocks) {
        this.owner = owner;
        this.health = parts.health();
        this.requests = parts.requests();
        this.map = parts.map();
        this.loader = parts.loader();
        this.partialBlocks = new PartialBlocks(parts.reader(), requests::take);
        this.answers = parts.answers();
        this.dirty = shared.dirty();
        VolumeCounters counters = parts.counters();
        this.log = new LogWriter(parts.key().number(), counters, shared.frameMemory());
        this.space = new LogSpace(parts.key().toString(), parts.loop(), parts.host(), counters, log, dirty, this);
        this.batch = new WriteBatch(log, map);
        this.commit = new GroupCommit(parts.loop(), log, counters, this::logFailed);
        this.tree = new VolumeTree(map, log, space, commit, usedBlocks);
    }

    LogWriter log() {
        return log;
    }

    GroupCommit commit() {
        return commit;
    }

    /** Where the log goes on. */
    LogSpace space() {
        return space;
    }

    /** What the log has made of the volume. */
    VolumeTree tree() {
        return tree;
    }

    /** How many requests are held. */
    int heldRequests() {
        return held.size();
    }

    /** A request may be carried out, as far as requests before it let it. */
    void admit(Request request) {
        if (!held.isEmpty() && held.mustWait(request)) {
            held.add(request, true);
        } else {
            start(request);
        }
    }

    private void start(Request request) {
        if (request.kind == Request.Kind.READ) {
            held.remove(request);
            owner.startRead(request);
            return;
        }
        IoStatus now = health.changeable();
        if (now != IoStatus.OK) {
            release(request);
            requests.finish(request, now);
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
            } else if (health.changeable() != IoStatus.OK && !request.waitingForIo) {
                release(request);
                requests.finish(request, health.changeable());
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
        owner.submit();
    }

    /** A held request cannot be carried out. What waited behind it is carried out by the next {@link Owner#submit}. */
    private void giveUp(Request request, IoStatus answer) {
        request.waitingForIo = false;
        release(request);
        requests.finish(request, answer);
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
            requests.finish(request, IoStatus.OK);
            return true;
        }
        batch.appendSnapshot(payload);
        writeBatch();
        if (health.changeable() != IoStatus.OK) {
            return false;
        }
        tree.takeSnapshot(payload);
        used.accept(tree.usedNow());
        commit.await(durable -> requests.finish(request, durable ? IoStatus.OK : IoStatus.EIO));
        return true;
    }

    // ---- what a request needs before it can be appended ----

    private boolean haveLog(Request request) {
        if (log.isOpen()) {
            return true;
        }
        held.add(request, false);
        space.start(request.kind == Request.Kind.WRITE ? request.length : 0, tree.mayStaySmall());
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
                health.damaged("block map: " + failure.getMessage());
                giveUp(request, IoStatus.EIO);
                owner.submit();
            }
        });
        return false;
    }

    private boolean haveEdges(Request request) {
        if (!PartialBlocks.areMissing(request)) {
            return true;
        }
        holdForIo(request);
        partialBlocks.read(request, result -> {
            if (result == IoStatus.OK) {
                resume(request);
            } else {
                giveUp(request, result);
                owner.submit();
            }
        });
        return false;
    }

    /** Makes room for a record of {@code payloadBytes}; holds the request if a segment has to come first. */
    private boolean makeRoom(Request request, int payloadBytes) {
        if (batch.isEmpty() || !log.batchIsFull(8)) {
            if (space.hasRoom(payloadBytes)) {
                return space.roll(payloadBytes);
            }
        } else {
            writeBatch();
            return health.changeable() == IoStatus.OK && makeRoom(request, payloadBytes);
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
        owner.submit();
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
        owner.submit();
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
        owner.submit();
        return othersWait;
    }

    // ---- append ----

    @Override
    public boolean writeBatch() {
        if (failed) {
            return false;
        }
        if (log.batchIsEmpty()) {
            return true;
        }
        long bytes;
        try {
            bytes = log.writeBatch();
        } catch (DiskException e) {
            owner.logFailed(e);
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
        owner.logGrew(bytes);
        return true;
    }

    /** Answers a request that has taken effect; with FUA once that is on stable storage. */
    void finishAfterSyncIf(Request request) {
        if (request.fua) {
            commit.await(durable -> requests.finish(request, durable ? IoStatus.OK : IoStatus.EIO));
        } else {
            requests.finish(request, IoStatus.OK);
        }
    }

    @Override
    public void logFailed(DiskException cause) {
        owner.logFailed(cause);
    }

    /** Nothing is appended or synced any more: whatever waits for that is answered EIO. */
    void fail() {
        failed = true;
        batch.discard();
        for (Request request : batch.takeFinished()) {
            requests.finish(request, IoStatus.EIO);
        }
        commit.fail();
        dirty.subtract(space.takeForSync());
        noSpace(IoStatus.EIO);
    }
}
