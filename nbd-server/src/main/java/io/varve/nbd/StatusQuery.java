package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.channel.EventLoop;
import io.varve.engine.Completion;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import java.util.List;

/**
 * Answers one BLOCK_STATUS (proto.md, NBD_CMD_BLOCK_STATUS, NBD_REPLY_TYPE_BLOCK_STATUS; extension EXTENDED_HEADERS,
 * NBD_REPLY_TYPE_BLOCK_STATUS_EXT): one chunk per metadata context, one context after the other, each in its own turn
 * of the loop. Used on the volume's loop.
 */
final class StatusQuery implements Completion {
    private static final int SHORT_DESCRIPTOR_BYTES = 8;
    private static final int LONG_DESCRIPTOR_BYTES = 16;

    /** What a list of extents takes for each: 12 bytes, and half as much again that it grew too far. */
    private static final int LIST_BYTES = 18;

    private final NbdRequest request;
    private final List<OpenContext> contexts;
    private final long length;
    private final int maxExtents;
    private final ReplyStyle style;
    private final CompositeByteBuf reply;
    private final EventLoop loop;
    private final Extents extents = new Extents();
    private int next;

    /**
     * @param contexts which answer; not empty
     * @param length how many bytes the client asks about
     * @param reply where the chunks go, each in a buffer of its own; belongs to {@code request} when it completes
     */
    StatusQuery(
            NbdRequest request,
            List<OpenContext> contexts,
            long length,
            int maxExtents,
            ReplyStyle style,
            CompositeByteBuf reply,
            EventLoop loop) {
        this.request = request;
        this.contexts = contexts;
        this.length = length;
        this.maxExtents = request.has(TransmissionWire.COMMAND_FLAG_REQ_ONE) ? 1 : maxExtents;
        this.style = style;
        this.reply = reply;
        this.loop = loop;
    }

    /** Asks the next context; completes the request when all have answered, or one has failed. */
    void ask() {
        contexts.get(next).source().query(request.offset, length, maxExtents, extents, this);
    }

    @Override
    public void completed(IoStatus status) {
        if (status != IoStatus.OK) {
            request.completed(status);
            return;
        }
        OpenContext context = contexts.get(next++);
        boolean last = next == contexts.size();
        if (!putChunk(context, last ? TransmissionWire.CHUNK_FLAG_DONE : 0)) {
            request.end(NbdError.NO_MEMORY);
        } else if (last) {
            request.completed(IoStatus.OK);
        } else {
            loop.execute(this::ask);
        }
    }

    /** False if there is no memory. */
    private boolean putChunk(OpenContext context, int flags) {
        int bytes = (int) chunkBytes(style, extents.size());
        ByteBuf chunk;
        try {
            chunk = reply.alloc().directBuffer(bytes, bytes);
        } catch (OutOfMemoryError full) {
            return false;
        }
        int count = extents.size();
        int payloadBytes = bytes - style.chunkHeaderBytes();
        if (style == ReplyStyle.EXTENDED) {
            putHeader(chunk, flags, TransmissionWire.CHUNK_BLOCK_STATUS_EXT, payloadBytes);
            chunk.writeInt(context.id()).writeInt(count);
            for (int i = 0; i < count; i++) {
                chunk.writeLong(extents.lengthBytes(i))
                        .writeLong(context.context().flags(extents.value(i)));
            }
        } else {
            putHeader(chunk, flags, TransmissionWire.CHUNK_BLOCK_STATUS, payloadBytes);
            chunk.writeInt(context.id());
            for (int i = 0; i < count; i++) {
                // No extent is longer than what was asked about, which had 32 bits for its length.
                chunk.writeInt((int) extents.lengthBytes(i))
                        .writeInt(context.context().flags(extents.value(i)));
            }
        }
        reply.addComponent(true, chunk);
        return true;
    }

    private void putHeader(ByteBuf chunk, int flags, int type, int payloadBytes) {
        TransmissionWire.putChunkHeader(chunk, style, flags, type, request.cookie, request.offset, payloadBytes);
    }

    /** What one context answers with, on the wire. */
    private static long chunkBytes(ReplyStyle style, long extents) {
        return style == ReplyStyle.EXTENDED
                ? style.chunkHeaderBytes() + 2 * Integer.BYTES + extents * LONG_DESCRIPTOR_BYTES
                : style.chunkHeaderBytes() + Integer.BYTES + extents * SHORT_DESCRIPTOR_BYTES;
    }

    /** The memory that a BLOCK_STATUS may take: the extents of one context after the other, and the chunks of all. */
    static long mostBytes(NbdRequest request, ReplyStyle style, int contexts, int maxExtents) {
        int extents = request.has(TransmissionWire.COMMAND_FLAG_REQ_ONE) ? 1 : maxExtents;
        return (long) extents * LIST_BYTES + contexts * chunkBytes(style, extents);
    }
}
