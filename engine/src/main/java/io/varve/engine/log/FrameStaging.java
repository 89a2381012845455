package io.varve.engine.log;

import io.varve.engine.io.IoVector;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;

/**
 * Compresses the frames of one volume's batch. What comes of it stays where it is until the batch has been written.
 * Loop only.
 */
final class FrameStaging {
    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private final FrameMemory memory;
    private final Deque<ByteBuffer> pieces = new ArrayDeque<>();

    /** Memory of one thread: a frame's blocks side by side, and what they are compressed to. */
    private static final class Scratch {
        final ByteBuffer blocks = ContainerDescriptor.direct(FrameCodec.MAX_BYTES);
        final ByteBuffer packed = ContainerDescriptor.direct(FrameCodec.MAX_PACKED_BYTES);
    }

    FrameStaging(FrameMemory memory) {
        this.memory = memory;
    }

    /**
     * Replaces the last pieces of {@code vector}, a frame's blocks, by one that holds them compressed, if the record
     * then takes at least an eighth less.
     *
     * @param from the first of these pieces
     * @param bytes what they hold together
     * @return the bytes that the frame takes now
     */
    int compress(IoVector vector, int from, int bytes) {
        Scratch scratch = SCRATCH.get();
        long to = Jvm.address(scratch.blocks);
        for (int i = from; i < vector.count(); i++) {
            UnsafeMemory.copyMemory(vector.pieceAddress(i), to, vector.pieceLength(i));
            to += vector.pieceLength(i);
        }
        int smaller = FrameCodec.pack(scratch.blocks, bytes, scratch.packed);
        if (!FrameCodec.pays(recordBytes(smaller), recordBytes(bytes))) {
            return bytes;
        }
        ByteBuffer piece = pieces.peek();
        if (piece == null || piece.remaining() < smaller) {
            piece = memory.take();
            if (piece == null) {
                return bytes;
            }
            pieces.push(piece);
        }
        long at = Jvm.address(piece) + piece.position();
        UnsafeMemory.copyMemory(Jvm.address(scratch.packed), at, smaller);
        piece.position(piece.position() + smaller);
        vector.cut(from);
        vector.add(at, smaller);
        return smaller;
    }

    private static int recordBytes(int payloadBytes) {
        return (int) FramedSegment.recordEnd(RecordDescriptor.HEADER_BYTES + payloadBytes);
    }

    /** The batch has been written. */
    void release() {
        while (!pieces.isEmpty()) {
            memory.give(pieces.pop());
        }
    }
}
