package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.ScheduledFuture;
import io.varve.engine.Volume;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The fixed newstyle handshake (proto.md, "Fixed newstyle negotiation", "Option types"), without TLS: options that we
 * do not know are answered NBD_REP_ERR_UNSUP and the negotiation goes on.
 *
 * <p>Lives on the acceptor's loop. While an answer is waited for the socket is not read; when an export is opened,
 * {@link Opening} takes the channel from here to the volume's loop, and with it bytes that came too early.
 */
final class HandshakeHandler extends ByteToMessageDecoder {
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeHandler.class);

    /** What the next byte belongs to. */
    private enum Part {
        CLIENT_FLAGS,
        OPTION,
        OPTION_DATA,
        /** Data that is read past. */
        IGNORED_DATA,
        /** Nothing is decoded until the answer is out. */
        ANSWERING,
        /** The channel is on its way to its volume, or is closing. */
        END
    }

    private final Service service;
    private final PayloadReceiver receiver;
    private Part part = Part.CLIENT_FLAGS;
    private boolean noZeroes;
    private boolean structuredReplies;
    private int option;
    private long dataBytes;
    private long ignoredBytes;
    private @Nullable ScheduledFuture<?> deadline;
    private @Nullable ChannelHandlerContext context;

    HandshakeHandler(Service service, PayloadReceiver receiver) {
        this.service = service;
        this.receiver = receiver;
    }

    /** Ends the negotiation, unless the channel has left for its volume already. Any thread. */
    void shutDown() {
        ChannelHandlerContext ctx = context;
        if (ctx != null) {
            ctx.channel().eventLoop().execute(() -> {
                if (part != Part.END) {
                    ctx.close();
                }
            });
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        context = ctx;
        long nanos = service.limits().handshake().toNanos();
        deadline = ctx.executor().schedule(() -> timeOut(ctx), nanos, TimeUnit.NANOSECONDS);
        service.connections().add(this);
        ByteBuf greeting = ctx.alloc().buffer(HandshakeWire.GREETING_BYTES);
        OptionReplies.greeting(greeting);
        ctx.writeAndFlush(greeting);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        part = Part.END;
        forget();
        super.channelInactive(ctx);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!(cause instanceof IOException)) {
            LOG.warn("a handshake fails", cause);
        }
        ctx.close();
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        switch (part) {
            case CLIENT_FLAGS -> clientFlags(ctx, in);
            case OPTION -> option(ctx, in);
            case OPTION_DATA -> optionData(ctx, in);
            case IGNORED_DATA -> ignoredData(ctx, in);
            case ANSWERING, END -> {}
        }
    }

    private void clientFlags(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < HandshakeWire.CLIENT_FLAGS_BYTES) {
            return;
        }
        int flags = in.readInt();
        int known = HandshakeWire.FLAG_FIXED_NEWSTYLE | HandshakeWire.FLAG_NO_ZEROES;
        if ((flags & ~known) != 0) {
            violation(ctx, "client flags 0x" + Integer.toHexString(flags));
            return;
        }
        noZeroes = (flags & HandshakeWire.FLAG_NO_ZEROES) != 0;
        part = Part.OPTION;
    }

    private void option(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < HandshakeWire.OPTION_HEADER_BYTES) {
            return;
        }
        long magic = in.readLong();
        if (magic != HandshakeWire.OPTION_MAGIC) {
            violation(ctx, "option magic 0x" + Long.toHexString(magic));
            return;
        }
        option = in.readInt();
        dataBytes = in.readUnsignedInt();
        boolean opening = option == HandshakeWire.OPT_EXPORT_NAME;
        boolean asking = option == HandshakeWire.OPT_INFO || option == HandshakeWire.OPT_GO;
        if (opening && dataBytes > service.limits().nameBytes()) {
            violation(ctx, "an export name of " + dataBytes + " bytes");
        } else if (opening || (asking && dataBytes <= service.limits().optionBytes())) {
            part = Part.OPTION_DATA;
            optionData(ctx, in);
        } else {
            part = Part.IGNORED_DATA;
            ignoredBytes = dataBytes;
            ignoredData(ctx, in);
        }
    }

    private void optionData(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < dataBytes) {
            return;
        }
        ByteBuf data = in.readSlice((int) dataBytes);
        if (option == HandshakeWire.OPT_EXPORT_NAME) {
            resolve(ctx, ExportRequest.byName(data, (int) dataBytes));
        } else if (ExportRequest.nameBytes(data) > service.limits().nameBytes()) {
            refuse(ctx, HandshakeWire.REP_ERR_TOO_BIG, "export names have 4096 bytes at most");
        } else {
            Optional<ExportRequest> request = ExportRequest.parse(option, data);
            if (request.isPresent()) {
                resolve(ctx, request.get());
            } else {
                refuse(ctx, HandshakeWire.REP_ERR_INVALID, "the lengths in this option contradict each other");
            }
        }
    }

    private void ignoredData(ChannelHandlerContext ctx, ByteBuf in) {
        int skipped = (int) Math.min(ignoredBytes, in.readableBytes());
        in.skipBytes(skipped);
        ignoredBytes -= skipped;
        if (ignoredBytes > 0) {
            return;
        }
        switch (option) {
            case HandshakeWire.OPT_ABORT -> abort(ctx);
            case HandshakeWire.OPT_INFO, HandshakeWire.OPT_GO ->
                refuse(ctx, HandshakeWire.REP_ERR_TOO_BIG, "the option is too long");
            case HandshakeWire.OPT_LIST, HandshakeWire.OPT_STRUCTURED_REPLY -> withoutData(ctx);
            default -> refuse(ctx, HandshakeWire.REP_ERR_UNSUP, "unknown option");
        }
    }

    private void withoutData(ChannelHandlerContext ctx) {
        if (dataBytes > 0) {
            refuse(ctx, HandshakeWire.REP_ERR_INVALID, "this option takes no data");
        } else if (option == HandshakeWire.OPT_LIST) {
            list(ctx);
        } else {
            structuredReplies = true;
            ByteBuf reply = reply(ctx);
            OptionReplies.ack(reply, option);
            answer(ctx, reply);
        }
    }

    private void abort(ChannelHandlerContext ctx) {
        part = Part.END;
        ByteBuf reply = reply(ctx);
        OptionReplies.ack(reply, option);
        ctx.writeAndFlush(reply).addListener(ChannelFutureListener.CLOSE);
    }

    private void list(ChannelHandlerContext ctx) {
        await(ctx, service.resolver().list(), (listings, failure) -> {
            if (listings == null) {
                LOG.warn("listing the exports failed", failure);
                refuse(ctx, HandshakeWire.REP_ERR_POLICY, "the exports cannot be listed now");
                return;
            }
            ByteBuf reply = reply(ctx);
            for (ExportResolver.Listing listing : listings) {
                OptionReplies.server(reply, listing);
            }
            OptionReplies.ack(reply, HandshakeWire.OPT_LIST);
            answer(ctx, reply);
        });
    }

    private void resolve(ChannelHandlerContext ctx, ExportRequest request) {
        await(ctx, service.resolver().resolve(request.name()), (export, failure) -> {
            if (export == null) {
                refuseExport(ctx, request, failure);
            } else if (export.isEmpty()) {
                refuseExport(ctx, request, null);
            } else if (request.opens()) {
                open(ctx, request, export.get());
            } else {
                ByteBuf reply = reply(ctx);
                int flags = TransmissionWire.transmissionFlags(export.get().readOnly(), structuredReplies);
                OptionReplies.infos(reply, request, export.get(), export.get().sizeBytes(), flags, service.limits());
                answer(ctx, reply);
            }
        });
    }

    private void open(ChannelHandlerContext ctx, ExportRequest request, Export export) {
        CompletableFuture<Volume> opened = export.opener().get();
        opened.whenComplete((volume, failure) -> ctx.channel().eventLoop().execute(() -> {
            if (volume == null) {
                refuseExport(ctx, request, failure);
                return;
            }
            if (part == Part.END) {
                volume.release();
                return;
            }
            part = Part.END;
            forget();
            boolean readOnly = export.readOnly() || volume.readOnly();
            Session session = new Session(export.id(), volume, readOnly, structuredReplies);
            new Opening(this, service, receiver, session).begin(ctx, opening(ctx, request, export, session));
        }));
    }

    private ByteBuf opening(ChannelHandlerContext ctx, ExportRequest request, Export export, Session session) {
        ByteBuf reply = reply(ctx);
        long sizeBytes = session.volume().sizeBytes();
        int flags = TransmissionWire.transmissionFlags(session.readOnly(), structuredReplies);
        if (request.option() == HandshakeWire.OPT_EXPORT_NAME) {
            OptionReplies.opening(reply, sizeBytes, flags, noZeroes);
        } else {
            OptionReplies.infos(reply, request, export, sizeBytes, flags, service.limits());
        }
        return reply;
    }

    private void refuseExport(ChannelHandlerContext ctx, ExportRequest request, @Nullable Throwable failure) {
        Refusal refusal = Refusal.of(request.name(), failure);
        if (request.option() == HandshakeWire.OPT_EXPORT_NAME) {
            // This option has no way to say no (proto.md, NBD_OPT_EXPORT_NAME).
            ctx.close();
        } else {
            refuse(ctx, refusal.type(), refusal.message());
        }
    }

    private void refuse(ChannelHandlerContext ctx, int type, String message) {
        ByteBuf reply = reply(ctx);
        OptionReplies.error(reply, option, type, message);
        answer(ctx, reply);
    }

    /** Sends the last reply to an option; the next one may come. */
    private void answer(ChannelHandlerContext ctx, ByteBuf reply) {
        if (part != Part.END) {
            part = Part.OPTION;
        }
        ctx.writeAndFlush(reply);
    }

    /** Leaves the socket unread until {@code future} is done, then answers on the loop. */
    private <T> void await(
            ChannelHandlerContext ctx, CompletableFuture<T> future, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        part = Part.ANSWERING;
        Channel channel = ctx.channel();
        channel.config().setAutoRead(false);
        future.whenComplete((value, failure) -> channel.eventLoop().execute(() -> {
            if (part != Part.ANSWERING) {
                return;
            }
            then.accept(value, failure);
            if (part == Part.OPTION) {
                channel.config().setAutoRead(true);
                goOn(ctx);
            }
        }));
    }

    /** Decodes what came in while an answer was waited for. */
    private void goOn(ChannelHandlerContext ctx) {
        try {
            channelRead(ctx, ctx.alloc().buffer(0));
        } catch (Exception e) {
            exceptionCaught(ctx, e);
        }
    }

    private void violation(ChannelHandlerContext ctx, String what) {
        part = Part.END;
        service.counters().violations.increment();
        LOG.info("closing a connection in handshake: the client sent {}", what);
        ctx.close();
    }

    private void timeOut(ChannelHandlerContext ctx) {
        service.counters().timeouts.increment();
        ctx.close();
    }

    private void forget() {
        service.connections().remove(this);
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    private static ByteBuf reply(ChannelHandlerContext ctx) {
        return ctx.alloc().buffer(256);
    }
}
