package io.varve.engine.log;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Memory for compressed frames from their appending to the gathered write of their batch, within a fixed bound for the
 * whole store. Who gets none writes the frame as it is. Any thread.
 */
public final class FrameMemory {
    /** Bytes of a piece: what a few frames need. */
    static final int PIECE_BYTES = 256 << 10;

    private final Deque<ByteBuffer> free = new ArrayDeque<>();
    private final int maxPieces;
    private int pieces;

    /** @param maxBytes what all frames together may take at a time */
    public FrameMemory(long maxBytes) {
        maxPieces = (int) (maxBytes / PIECE_BYTES);
    }

    /** A piece, empty; null if all are in use. */
    synchronized @Nullable ByteBuffer take() {
        ByteBuffer piece = free.poll();
        if (piece == null && pieces < maxPieces) {
            pieces++;
            return ContainerDescriptor.direct(PIECE_BYTES);
        }
        return piece;
    }

    /** Bytes that wait to be written. */
    public synchronized long usedBytes() {
        return (long) (pieces - free.size()) * PIECE_BYTES;
    }

    synchronized void give(ByteBuffer piece) {
        free.push(piece.clear());
    }
}
