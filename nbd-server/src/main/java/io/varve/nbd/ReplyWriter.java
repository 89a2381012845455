package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Puts replies on the wire (proto.md, "Simple reply message", "Structured reply chunk message"). Replies without
 * payload gather in one buffer until {@link #flush}; the protocol lets replies overtake each other. Hot path; used on
 * the connection's loop only.
 */
final class ReplyWriter {
    private static final int GATHER_BYTES = 1024;

    private final ChannelHandlerContext ctx;
    private final boolean structured;
    private @Nullable ByteBuf gathered;
    private boolean written;

    ReplyWriter(ChannelHandlerContext ctx, boolean structured) {
        this.ctx = ctx;
        this.structured = structured;
    }

    /** Bytes to leave free in front of the payload of a READ. */
    int readHeaderBytes() {
        return structured
                ? TransmissionWire.CHUNK_HEADER_BYTES + TransmissionWire.CHUNK_OFFSET_BYTES
                : TransmissionWire.SIMPLE_REPLY_BYTES;
    }

    /** Answers a READ with its buffer, in which the payload is in place; takes the buffer over. */
    void data(long cookie, long offset, int length, ByteBuf buffer) {
        buffer.clear();
        if (structured) {
            TransmissionWire.putChunkHeader(
                    buffer, TransmissionWire.CHUNK_OFFSET_DATA, cookie, length + TransmissionWire.CHUNK_OFFSET_BYTES);
            buffer.writeLong(offset);
        } else {
            TransmissionWire.putSimpleReply(buffer, 0, cookie);
        }
        buffer.writerIndex(buffer.writerIndex() + length);
        ctx.write(buffer, ctx.voidPromise());
        written = true;
    }

    /** Answers that a request succeeded and has no payload; {@code read} says that it is an empty READ. */
    void done(long cookie, boolean read) {
        if (structured && read) {
            TransmissionWire.putChunkHeader(room(), TransmissionWire.CHUNK_NONE, cookie, 0);
        } else {
            TransmissionWire.putSimpleReply(room(), 0, cookie);
        }
    }

    /** Answers that a request failed. */
    void failed(long cookie, NbdError error) {
        if (!structured) {
            TransmissionWire.putSimpleReply(room(), error.value(), cookie);
            return;
        }
        String message = error.message();
        ByteBuf to = room();
        int payloadBytes = TransmissionWire.CHUNK_ERROR_BYTES + message.length();
        TransmissionWire.putChunkHeader(to, TransmissionWire.CHUNK_ERROR, cookie, payloadBytes);
        to.writeInt(error.value()).writeShort(message.length()).writeCharSequence(message, StandardCharsets.US_ASCII);
    }

    /** Sends everything since the last flush. */
    void flush() {
        if (gathered != null) {
            ByteBuf replies = gathered;
            gathered = null;
            ctx.write(replies, ctx.voidPromise());
            written = true;
        }
        if (written) {
            written = false;
            ctx.flush();
        }
    }

    /** Drops what was not sent. */
    void close() {
        if (gathered != null) {
            gathered.release();
            gathered = null;
        }
    }

    private ByteBuf room() {
        if (gathered == null) {
            gathered = ctx.alloc().directBuffer(GATHER_BYTES);
        }
        return gathered;
    }
}
