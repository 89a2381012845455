package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.varve.engine.Extents;
import java.nio.charset.StandardCharsets;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts replies on the wire (proto.md, "Simple reply message", "Structured reply chunk message", "Structured reply
 * types"; extension EXTENDED_HEADERS, "Extended reply chunk message"). Replies without payload gather in one buffer
 * until {@link #flush}; the protocol lets replies overtake each other. Hot path; used on the connection's loop only.
 */
final class ReplyWriter {
    private static final int GATHER_BYTES = 1024;

    /** The client takes these in while the rest of a batch of reads is still being read. */
    private static final int EARLY_BYTES = 32 << 10;

    private static final int DONE = TransmissionWire.CHUNK_FLAG_DONE;

    private final ChannelHandlerContext ctx;
    private final ReplyStyle style;
    private final IntConsumer kept;
    private @Nullable ByteBuf gathered;
    private long writtenBytes;
    private long totalBytes;

    /** @param kept told how many bytes a reply holds beyond those that it sends, and the negative once it is sent */
    ReplyWriter(ChannelHandlerContext ctx, ReplyStyle style, IntConsumer kept) {
        this.ctx = ctx;
        this.style = style;
        this.kept = kept;
    }

    /** Bytes to leave free in front of the payload of a READ. */
    int readHeaderBytes() {
        return style.hasChunks()
                ? style.chunkHeaderBytes() + TransmissionWire.CHUNK_OFFSET_BYTES
                : TransmissionWire.SIMPLE_REPLY_BYTES;
    }

    /** Answers a READ with its buffer, in which the payload is in place; takes the buffer over. */
    void data(NbdRequest request, ByteBuf buffer) {
        int length = request.payloadBytes();
        buffer.clear();
        if (style.hasChunks()) {
            putDataHeader(buffer, request, request.offset, length, DONE);
        } else {
            TransmissionWire.putSimpleReply(buffer, 0, request.cookie);
        }
        buffer.writerIndex(buffer.writerIndex() + length);
        write(buffer);
    }

    /**
     * Answers a READ with its buffer, in which the payload is in place but for the holes that its report names; takes
     * the buffer over. The room of each hole, a block at least, takes the headers of the chunks around it, so that data
     * is not moved: what is sent are slices from one hole to the next, as one message, which holds the whole buffer
     * until it is sent.
     */
    void pieces(NbdRequest request, ByteBuf buffer) {
        Extents extents = request.report.extents();
        int last = extents.size() - 1;
        if (last == 0) {
            if (extents.value(0) == Extents.HOLE) {
                putHole(room(), request, request.offset, request.payloadBytes(), DONE);
                buffer.release();
            } else {
                data(request, buffer);
            }
            return;
        }
        CompositeByteBuf reply = ctx.alloc().compositeDirectBuffer(extents.size());
        int header = readHeaderBytes();
        int holeBytes = style.chunkHeaderBytes() + TransmissionWire.CHUNK_HOLE_BYTES;
        long offset = request.offset;
        int at = header;
        int from = 0;
        for (int i = 0; i <= last; i++) {
            int length = (int) extents.lengthBytes(i);
            int flags = i == last ? DONE : 0;
            if (extents.value(i) != Extents.HOLE) {
                from = i == 1 ? from : at - header;
                buffer.writerIndex(at - header);
                putDataHeader(buffer, request, offset, length, flags);
                buffer.writerIndex(at + length);
            } else {
                from = i == 0 ? at + length - header - holeBytes : from;
                buffer.writerIndex(i == 0 ? from : at);
                putHole(buffer, request, offset, length, flags);
            }
            boolean ends = i == last || (i > 0 && extents.value(i) == Extents.HOLE);
            if (ends) {
                reply.addComponent(true, buffer.retainedSlice(from, buffer.writerIndex() - from));
            }
            at += length;
            offset += length;
        }
        writeKeeping(reply, buffer.capacity() - reply.readableBytes());
        buffer.release();
    }

    /** Answers with a buffer that holds the whole reply, chunk by chunk; takes it over. */
    void chunks(ByteBuf reply) {
        write(reply);
    }

    /** Answers that a request succeeded and has no payload; {@code read} says that it is an empty READ. */
    void done(NbdRequest request, boolean read) {
        if (style == ReplyStyle.EXTENDED || (style == ReplyStyle.STRUCTURED && read)) {
            putHeader(room(), request, TransmissionWire.CHUNK_NONE, DONE, 0);
        } else {
            TransmissionWire.putSimpleReply(room(), 0, request.cookie);
        }
    }

    /** Answers that a request failed. */
    void failed(NbdRequest request, NbdError error) {
        if (style.hasChunks()) {
            String message = error.message();
            int payloadBytes = TransmissionWire.CHUNK_ERROR_BYTES + message.length();
            putHeader(room(), request, TransmissionWire.CHUNK_ERROR, DONE, payloadBytes);
            putError(room(), error);
        } else {
            TransmissionWire.putSimpleReply(room(), error.value(), request.cookie);
        }
    }

    /** Answers that a request failed at a byte of the export. */
    void failedAt(NbdRequest request, NbdError error, long offset) {
        int messageBytes = error.message().length();
        int payloadBytes = TransmissionWire.CHUNK_ERROR_BYTES + messageBytes + TransmissionWire.CHUNK_OFFSET_BYTES;
        putHeader(room(), request, TransmissionWire.CHUNK_ERROR_OFFSET, DONE, payloadBytes);
        putError(room(), error);
        room().writeLong(offset);
    }

    private static void putError(ByteBuf to, NbdError error) {
        String message = error.message();
        to.writeInt(error.value()).writeShort(message.length()).writeCharSequence(message, StandardCharsets.US_ASCII);
    }

    private void putDataHeader(ByteBuf to, NbdRequest request, long offset, int length, int flags) {
        int payloadBytes = TransmissionWire.CHUNK_OFFSET_BYTES + length;
        putHeader(to, request, TransmissionWire.CHUNK_OFFSET_DATA, flags, payloadBytes);
        to.writeLong(offset);
    }

    private void putHole(ByteBuf to, NbdRequest request, long offset, int length, int flags) {
        putHeader(to, request, TransmissionWire.CHUNK_OFFSET_HOLE, flags, TransmissionWire.CHUNK_HOLE_BYTES);
        to.writeLong(offset).writeInt(length);
    }

    private void putHeader(ByteBuf to, NbdRequest request, int type, int flags, int payloadBytes) {
        TransmissionWire.putChunkHeader(to, style, flags, type, request.cookie, request.offset, payloadBytes);
    }

    /** All bytes so far, sent or not. */
    long totalBytes() {
        return totalBytes;
    }

    private void write(ByteBuf reply) {
        writtenBytes += reply.readableBytes();
        totalBytes += reply.readableBytes();
        ctx.write(reply, ctx.voidPromise());
    }

    private void writeKeeping(ByteBuf reply, int moreBytes) {
        kept.accept(moreBytes);
        writtenBytes += reply.readableBytes();
        totalBytes += reply.readableBytes();
        ctx.write(reply).addListener(sent -> kept.accept(-moreBytes));
    }

    /** Sends what there is if that is much, without waiting for the end of the batch. */
    void flushEarly() {
        if (writtenBytes >= EARLY_BYTES || (gathered != null && gathered.readableBytes() >= EARLY_BYTES)) {
            flush();
        }
    }

    /** Sends everything since the last flush. */
    void flush() {
        if (gathered != null) {
            ByteBuf replies = gathered;
            gathered = null;
            write(replies);
        }
        if (writtenBytes > 0) {
            writtenBytes = 0;
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
