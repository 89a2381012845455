package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.varve.engine.Completion;
import io.varve.engine.Extents;
import io.varve.engine.IoStatus;
import java.util.List;

/**
 * Answers one BLOCK_STATUS (proto.md, NBD_CMD_BLOCK_STATUS, NBD_REPLY_TYPE_BLOCK_STATUS; extension EXTENDED_HEADERS,
 * NBD_REPLY_TYPE_BLOCK_STATUS_EXT): one chunk per metadata context, one context after the other, each in its own turn of
 * the loop. Used on the volume's loop.
 */
final class StatusQuery implements Completion {
    private static final int SHORT_DESCRIPTOR_BYTES = 8;
    private static final int LONG_DESCRIPTOR_BYTES = 16;

    private final NbdRequest request;
    private final List<OpenContext> contexts;
    private final long length;
    private final int maxExtents;
    private final ReplyStyle style;
    private final ByteBuf reply;
    private final EventLoop loop;
    private final Extents extents = new Extents();
    private int next;

    /**
     * @param contexts which answer; not empty
     * @param length how many bytes the client asks about
     * @param reply where the chunks go; belongs to {@code request} when it completes
     */
    StatusQuery(
            NbdRequest request,
            List<OpenContext> contexts,
            long length,
            int maxExtents,
            ReplyStyle style,
            ByteBuf reply,
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
        putChunk(context, last ? TransmissionWire.CHUNK_FLAG_DONE : 0);
        if (last) {
            request.completed(IoStatus.OK);
        } else {
            loop.execute(this::ask);
        }
    }

    private void putChunk(OpenContext context, int flags) {
        int count = extents.size();
        if (style == ReplyStyle.EXTENDED) {
            int bytes = 2 * Integer.BYTES + count * LONG_DESCRIPTOR_BYTES;
            putHeader(flags, TransmissionWire.CHUNK_BLOCK_STATUS_EXT, bytes);
            reply.writeInt(context.id()).writeInt(count);
            for (int i = 0; i < count; i++) {
                reply.writeLong(extents.lengthBytes(i))
                        .writeLong(context.context().flags(extents.value(i)));
            }
        } else {
            putHeader(flags, TransmissionWire.CHUNK_BLOCK_STATUS, Integer.BYTES + count * SHORT_DESCRIPTOR_BYTES);
            reply.writeInt(context.id());
            for (int i = 0; i < count; i++) {
                // No extent is longer than what was asked about, which had 32 bits for its length.
                reply.writeInt((int) extents.lengthBytes(i))
                        .writeInt(context.context().flags(extents.value(i)));
            }
        }
    }

    private void putHeader(int flags, int type, int payloadBytes) {
        TransmissionWire.putChunkHeader(reply, style, flags, type, request.cookie, request.offset, payloadBytes);
    }
}
