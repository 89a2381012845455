package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import io.varve.engine.Volume;
import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What is done for each request of a connection, from the call of the volume to the form of the answer (proto.md,
 * "Request types"). Hot path; used on the volume's loop only.
 */
final class RequestWork {
    private final Session session;
    private final Volume volume;
    private final NbdLimits limits;
    private final RequestRules rules;
    private final ChannelHandlerContext ctx;
    private final ReplyWriter replies;
    private final BooleanSupplier gone;

    /** @param gone true once the client has left */
    RequestWork(
            Session session,
            NbdLimits limits,
            RequestRules rules,
            ChannelHandlerContext ctx,
            ReplyWriter replies,
            BooleanSupplier gone) {
        this.session = session;
        this.volume = session.volume();
        this.limits = limits;
        this.rules = rules;
        this.ctx = ctx;
        this.replies = replies;
        this.gone = gone;
    }

    /** Bytes of memory that a request takes until it is answered, but for what every request takes. */
    long cost(NbdRequest request) {
        Command command = request.command;
        if (command == Command.READ || command == Command.WRITE) {
            return request.length;
        }
        if (command == Command.CACHE) {
            return Math.min(request.length, Prefetch.PIECE_BYTES);
        }
        return command == Command.BLOCK_STATUS
                ? StatusQuery.mostBytes(
                        request, session.style(), session.contexts().size(), limits.statusExtents())
                : 0;
    }

    /** Asks the volume for what a request wants; the request ends now or later. */
    void begin(NbdRequest request, Command command) {
        boolean fua = request.has(TransmissionWire.COMMAND_FLAG_FUA);
        switch (command) {
            case READ -> read(request);
            case WRITE -> volume.write(request.offset, data(request), fua, request);
            case FLUSH -> volume.flush(request);
            case TRIM -> volume.trim(request.offset, request.length, fua, request);
            case CACHE -> prefetch(request);
            case BLOCK_STATUS -> status(request);
            case WRITE_ZEROES -> {
                boolean noHole = request.has(TransmissionWire.COMMAND_FLAG_NO_HOLE);
                volume.writeZeroes(request.offset, request.length, noHole, fua, request);
            }
            case DISC -> throw new IllegalStateException("a goodbye is not performed");
        }
    }

    private void read(NbdRequest request) {
        int header = replies.readHeaderBytes();
        int length = request.payloadBytes();
        ByteBuf buffer = buffer(request, header + length);
        if (buffer == null) {
            return;
        }
        if (inPieces(request)) {
            volume.read(request.offset, buffer.internalNioBuffer(header, length), request.report, request);
        } else {
            volume.read(request.offset, buffer.internalNioBuffer(header, length), request);
        }
    }

    /** True for a READ that may be answered with several chunks. */
    private boolean inPieces(NbdRequest request) {
        return session.style().hasChunks() && !request.has(TransmissionWire.COMMAND_FLAG_DF);
    }

    private void prefetch(NbdRequest request) {
        ByteBuf piece = buffer(request, (int) Math.min(request.length, Prefetch.PIECE_BYTES));
        if (piece != null) {
            EventLoop loop = ctx.channel().eventLoop();
            long limit = limits.prefetchBytes();
            new Prefetch(request, volume, loop, piece, limit, gone).readNext();
        }
    }

    private void status(NbdRequest request) {
        StatusFilter filter = StatusFilter.of(request, session.contexts());
        boolean inside = rules.isInside(request.offset, filter.length());
        if (filter.contexts().isEmpty() || !inside || filter.length() == 0) {
            request.end(inside ? NbdError.BAD_FILTER : NbdError.BEYOND_END);
            return;
        }
        request.releaseBuffer();
        int contexts = filter.contexts().size();
        CompositeByteBuf reply = ctx.alloc().compositeDirectBuffer(Math.max(2, contexts));
        request.buffer = reply;
        EventLoop loop = ctx.channel().eventLoop();
        int most = limits.statusExtents();
        new StatusQuery(request, filter.contexts(), filter.length(), most, session.style(), reply, loop).ask();
    }

    /** A buffer that belongs to the request; null if there is no memory, and the request is answered. */
    private @Nullable ByteBuf buffer(NbdRequest request, int bytes) {
        try {
            ByteBuf buffer = ctx.alloc().directBuffer(bytes, bytes);
            request.buffer = buffer;
            return buffer;
        } catch (OutOfMemoryError full) {
            request.end(NbdError.NO_MEMORY);
            return null;
        }
    }

    private static ByteBuffer data(NbdRequest request) {
        ByteBuffer data = request.data;
        if (data == null) {
            throw new IllegalStateException("a write without its payload");
        }
        return data;
    }

    /** Answers a request whose work is done. */
    void reply(NbdRequest request, NbdError error) {
        ByteBuf buffer = request.buffer;
        boolean read = request.command == Command.READ;
        if (error != NbdError.NONE) {
            replyFailure(request, error);
        } else if (read && buffer != null) {
            request.buffer = null;
            if (inPieces(request)) {
                replies.pieces(request, buffer);
            } else {
                replies.data(request, buffer);
            }
        } else if (request.command == Command.BLOCK_STATUS && buffer != null) {
            request.buffer = null;
            replies.chunks(buffer);
        } else {
            replies.done(request, read);
        }
    }

    private void replyFailure(NbdRequest request, NbdError error) {
        // The report is of this request only if the engine was asked, which takes a buffer.
        boolean asked = request.command == Command.READ && request.buffer != null && inPieces(request);
        if (asked && request.report.hasFailedOffset()) {
            replies.failedAt(request, error, request.report.failedOffset());
        } else {
            replies.failed(request, error);
        }
    }
}
