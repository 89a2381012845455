package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.log.LogWriter;
import io.varve.engine.log.RecordDescriptor;
import io.varve.engine.log.SnapshotPayload;
import io.varve.engine.map.BlockMap;
import io.varve.engine.map.Frame;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The records appended since the last gathered write, and what they change in the map once the kernel has them. Loop
 * only; hot path.
 */
final class WriteBatch {
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;
    /** The longest DATA record of a request that goes on in another: 1 MiB. */
    private static final int PIECE_BLOCKS = 256;

    private static final byte SET = 1;
    private static final byte HOLE = 2;
    private static final byte ZERO = 3;

    private final LogWriter log;
    private final BlockMap map;
    private byte[] changes = new byte[64];
    private long[] firstBlocks = new long[64];
    private long[] blockCounts = new long[64];
    private long[] addresses = new long[64];
    private int[] checkAt = new int[64];
    private int[] checks = new int[1024];
    private int changeCount;
    private int checkCount;
    private List<Request> finished = new ArrayList<>();
    private List<Request> spare = new ArrayList<>();

    WriteBatch(LogWriter log, BlockMap map) {
        this.log = log;
        this.map = map;
    }

    boolean isEmpty() {
        return changeCount == 0 && log.batchIsEmpty();
    }

    /** Blocks of the request's next DATA record. */
    static int nextPieceBlocks(Request request) {
        long first = (request.offset + request.progress) / BLOCK_BYTES;
        long left = request.endBlock() - first;
        return (int) (left <= PIECE_BLOCKS + 1 ? left : PIECE_BLOCKS);
    }

    /** Appends the request's next piece. Room was made, and partial blocks have been read into the request's edges. */
    void appendPiece(Request request) {
        long first = (request.offset + request.progress) / BLOCK_BYTES;
        int blocks = nextPieceBlocks(request);
        if (log.isFramed()) {
            appendFrames(request, first, blocks);
        } else {
            appendRecord(request, first, blocks, false);
        }
    }

    private void appendFrames(Request request, long first, int blocks) {
        int done = 0;
        while (done < blocks) {
            int frame = Math.min(blocks - done, LogWriter.MAX_FRAME_BLOCKS);
            appendRecord(request, first + done, frame, done + frame < blocks);
            done += frame;
        }
    }

    private void appendRecord(Request request, long first, int blocks, boolean continues) {
        long end = first + blocks;
        int at = reserveChecks(blocks);
        long address = log.beginData(first, blocks, continues ? RecordDescriptor.FLAG_CONTINUES : 0);
        long block = first;
        ByteBuffer head = request.headEdge;
        if (head != null && first == request.firstBlock()) {
            log.addBlocks(head, 0, BLOCK_BYTES, checks, at);
            block++;
        }
        ByteBuffer tail = end == request.endBlock() ? request.tailEdge : null;
        int middle = (int) (end - block) - (tail == null ? 0 : 1);
        if (middle > 0) {
            int from = request.buffer.position() + (int) (block * BLOCK_BYTES - request.offset);
            log.addBlocks(request.buffer, from, middle * BLOCK_BYTES, checks, at + (int) (block - first));
        }
        if (tail != null) {
            log.addBlocks(tail, 0, BLOCK_BYTES, checks, at + blocks - 1);
        }
        log.endData();
        note(SET, first, blocks, address, at);
        request.progress = Math.min(request.length, end * BLOCK_BYTES - request.offset);
    }

    /** Appends one block out of a buffer of its own, as a part of a request that goes on. */
    void appendEdge(long block, ByteBuffer edge, boolean continues) {
        int at = reserveChecks(1);
        byte flags = continues ? RecordDescriptor.FLAG_CONTINUES : 0;
        long address = log.beginData(block, 1, flags);
        log.addBlocks(edge, 0, BLOCK_BYTES, checks, at);
        log.endData();
        note(SET, block, 1, address, at);
    }

    /** Appends a TRIM or ZERO record. */
    void appendClear(boolean hole, long firstBlock, long endBlock, boolean continues) {
        byte flags = continues ? RecordDescriptor.FLAG_CONTINUES : 0;
        byte type = hole ? RecordDescriptor.TRIM : RecordDescriptor.ZERO;
        log.appendControl(type, flags, firstBlock, endBlock - firstBlock);
        note(hole ? HOLE : ZERO, firstBlock, endBlock - firstBlock, 0, 0);
    }

    void appendSnapshot(SnapshotPayload payload) {
        log.appendSnapshot(payload);
    }

    /** The request is answered when the batch has been written. */
    void finish(Request request) {
        finished.add(request);
    }

    private int reserveChecks(int count) {
        if (checkCount + count > checks.length) {
            checks = Arrays.copyOf(checks, Math.max(checks.length * 2, checkCount + count));
        }
        int at = checkCount;
        checkCount += count;
        return at;
    }

    private void note(byte change, long firstBlock, long count, long address, int checksAt) {
        if (changeCount == changes.length) {
            int grown = changeCount * 2;
            changes = Arrays.copyOf(changes, grown);
            firstBlocks = Arrays.copyOf(firstBlocks, grown);
            blockCounts = Arrays.copyOf(blockCounts, grown);
            addresses = Arrays.copyOf(addresses, grown);
            checkAt = Arrays.copyOf(checkAt, grown);
        }
        changes[changeCount] = change;
        firstBlocks[changeCount] = firstBlock;
        blockCounts[changeCount] = count;
        addresses[changeCount] = address;
        checkAt[changeCount] = checksAt;
        changeCount++;
    }

    /** Points the map at what was written, in log order, and empties the batch's changes. */
    void apply() {
        int stride = log.currentSegment().blockSlots();
        for (int i = 0; i < changeCount; i++) {
            long first = firstBlocks[i];
            if (changes[i] == SET) {
                int count = (int) blockCounts[i];
                map.setRun(first, count, addresses[i], stride, checks, checkAt[i]);
            } else {
                map.clear(first, first + blockCounts[i], changes[i] == HOLE ? Frame.HOLE : Frame.ZERO);
            }
        }
        discard();
    }

    /** Forgets the batch's changes. */
    void discard() {
        changeCount = 0;
        checkCount = 0;
    }

    /** The requests whose records are in the batch; give the list back by {@link #recycle}. */
    List<Request> takeFinished() {
        List<Request> taken = finished;
        finished = spare;
        spare = new ArrayList<>(0);
        return taken;
    }

    void recycle(List<Request> taken) {
        taken.clear();
        spare = taken;
    }
}
