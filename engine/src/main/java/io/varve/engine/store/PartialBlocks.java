package io.varve.engine.store;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import java.nio.ByteBuffer;

/**
 * Completes the blocks at both ends of a request that covers them in part: reads them and lays the request's bytes over
 * them. Loop only.
 */
final class PartialBlocks {
    private static final int BLOCK_BYTES = BlockStore.BLOCK_BYTES;

    private final BlockReader reader;
    private final Requests requests;

    /** Gives requests for the reads. */
    @FunctionalInterface
    interface Requests {
        Request take(Request.Kind kind, long offset, long length, Completion completion);
    }

    PartialBlocks(BlockReader reader, Requests requests) {
        this.reader = reader;
        this.requests = requests;
    }

    /** True if the request has an end whose block is not complete yet. */
    static boolean areMissing(Request request) {
        return headIsMissing(request) || (request.tailIsPartial() && request.tailEdge == null);
    }

    private static boolean headIsMissing(Request request) {
        return request.headIsPartial() && request.headEdge == null;
    }

    /** Completes the next block that is missing; {@code completion} may be called before this returns. */
    void read(Request request, Completion completion) {
        boolean head = headIsMissing(request);
        ByteBuffer edge = reader.takeEdge();
        long block = head ? request.firstBlock() : request.endBlock() - 1;
        Request part = requests.take(Request.Kind.READ, block * BLOCK_BYTES, BLOCK_BYTES, result -> {
            if (result != IoStatus.OK) {
                reader.giveEdge(edge);
            } else {
                layOver(request, edge, block);
                if (head) {
                    request.headEdge = edge;
                } else {
                    request.tailEdge = edge;
                }
            }
            completion.completed(result);
        });
        part.internal = true;
        part.buffer = edge;
        reader.read(part);
    }

    private static void layOver(Request request, ByteBuffer edge, long block) {
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
    }
}
