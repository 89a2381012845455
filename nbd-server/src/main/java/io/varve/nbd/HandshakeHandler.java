package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wire and the pace of the fixed newstyle handshake (proto.md, "Fixed newstyle negotiation"): takes option after
 * option off the wire and lets {@link OptionDialogue} answer each before the next is looked at.
 *
 * <p>Lives on the acceptor's loop. While an answer is waited for, or the client leaves answers unread, the socket is
 * not read: of options sent ahead there is one read at most, in whatever number they come. When an export is opened,
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
    private final OptionDialogue dialogue;
    private Part part = Part.CLIENT_FLAGS;
    private int options;
    private int option;
    private long dataBytes;
    private long ignoredBytes;
    private @Nullable ScheduledFuture<?> deadline;
    private @Nullable ChannelHandlerContext context;
    private @Nullable AnswerMemory answerMemory;

    HandshakeHandler(Service service, Access access, PayloadReceiver receiver) {
        this.service = service;
        this.dialogue = new OptionDialogue(this, service, access, receiver);
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
        long nanos = service.limits().negotiation().duration().toNanos();
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
        Throwable why = cause instanceof DecoderException && cause.getCause() != null ? cause.getCause() : cause;
        if (why instanceof SSLException) {
            LOG.info("a handshake fails: {}", why.getMessage());
        } else if (!(why instanceof IOException)) {
            LOG.warn("a handshake fails", cause);
        }
        ctx.close();
    }

    /** Not the superclass's, which reads on even where the socket is to be left unread. */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        discardSomeReadBytes();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (part != Part.ANSWERING && part != Part.END && ctx.channel().isWritable()) {
            ctx.channel().config().setAutoRead(true);
            goOn();
        }
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
        switch (part) {
            case CLIENT_FLAGS -> clientFlags(in);
            case OPTION -> {
                if (ctx.channel().isWritable()) {
                    option(in);
                } else {
                    ctx.channel().config().setAutoRead(false);
                }
            }
            case OPTION_DATA -> optionData(in);
            case IGNORED_DATA -> ignoredData(in);
            case ANSWERING, END -> {}
        }
    }

    private void clientFlags(ByteBuf in) {
        if (in.readableBytes() < HandshakeWire.CLIENT_FLAGS_BYTES) {
            return;
        }
        int flags = in.readInt();
        int known = HandshakeWire.FLAG_FIXED_NEWSTYLE | HandshakeWire.FLAG_NO_ZEROES;
        if ((flags & ~known) != 0) {
            violation("client flags 0x" + Integer.toHexString(flags));
            return;
        }
        dialogue.setClientFlags(flags);
        part = Part.OPTION;
    }

    private void option(ByteBuf in) {
        if (in.readableBytes() < HandshakeWire.OPTION_HEADER_BYTES) {
            return;
        }
        long magic = in.readLong();
        if (magic != HandshakeWire.OPTION_MAGIC) {
            violation("option magic 0x" + Long.toHexString(magic));
            return;
        }
        option = in.readInt();
        dataBytes = in.readUnsignedInt();
        options++;
        NbdLimits.Negotiation limits = service.limits().negotiation();
        if (options > limits.options()) {
            violation(options + " options");
        } else if (option == HandshakeWire.OPT_EXPORT_NAME && dataBytes > limits.nameBytes()) {
            violation("an export name of " + dataBytes + " bytes");
        } else if (dialogue.wantsData(option) && dialogue.admits(option) && dataBytes <= limits.optionBytes()) {
            part = Part.OPTION_DATA;
            optionData(in);
        } else {
            part = Part.IGNORED_DATA;
            ignoredBytes = dataBytes;
            ignoredData(in);
        }
    }

    private void optionData(ByteBuf in) {
        if (in.readableBytes() < dataBytes) {
            return;
        }
        ByteBuf data = in.readSlice((int) dataBytes);
        try {
            dialogue.perform(option, data);
        } catch (OptionException refused) {
            refuse(refused.type(), refused.reason());
        }
    }

    private void ignoredData(ByteBuf in) {
        int skipped = (int) Math.min(ignoredBytes, in.readableBytes());
        in.skipBytes(skipped);
        ignoredBytes -= skipped;
        if (ignoredBytes > 0) {
            return;
        }
        try {
            dialogue.performWithoutData(option, dataBytes);
        } catch (OptionException refused) {
            refuse(refused.type(), refused.reason());
        }
    }

    // ---- for the dialogue ----

    /**
     * Accepts the present option, and talks TLS from then on; what the client says next is looked at once the handshake
     * of TLS has succeeded, and nothing is if it fails.
     *
     * @param then called on the loop when it has succeeded
     */
    void startTls(Tls.Engine engine, Tls tls, Runnable then) {
        if (actualReadableBytes() > 0) {
            // Whoever waits for the answer has nothing to say: these bytes may have been slipped in by somebody else.
            violation("something behind STARTTLS, in the clear");
            return;
        }
        ByteBuf reply = reply();
        OptionReplies.ack(reply, option);
        ctx().writeAndFlush(reply);
        SslHandler handler = new SslHandler(engine.engine(), tls.threads());
        handler.setHandshakeTimeoutMillis(
                service.limits().negotiation().duration().toMillis());
        ctx().pipeline().addFirst("tls", handler);
        ctx().channel().config().setAutoRead(true);
        handler.handshakeFuture().addListener(done -> {
            if (done.isSuccess() && part == Part.ANSWERING) {
                then.run();
                part = Part.OPTION;
                goOn();
            } else {
                service.counters().tlsFailures.increment();
                ctx().close();
            }
        });
    }

    ChannelHandlerContext ctx() {
        ChannelHandlerContext ctx = context;
        if (ctx == null) {
            throw new IllegalStateException("the channel is not active yet");
        }
        return ctx;
    }

    /** A buffer for replies. */
    ByteBuf reply() {
        return ctx().alloc().buffer(256);
    }

    /** Refuses the present option; the next one may come. */
    void refuse(int type, String message) {
        ByteBuf reply = reply();
        OptionReplies.error(reply, option, type, message);
        answer(reply);
    }

    /** Accepts the present option; the next one may come. */
    void accept() {
        ByteBuf reply = reply();
        OptionReplies.ack(reply, option);
        answer(reply);
    }

    /** Sends the last reply to the present option; the next one may come. */
    void answer(ByteBuf reply) {
        if (part != Part.END) {
            part = Part.OPTION;
        }
        AnswerMemory memory = answerMemory;
        answerMemory = null;
        ChannelFuture sending = ctx().writeAndFlush(reply);
        if (memory != null) {
            sending.addListener(sent -> memory.free());
        }
    }

    /** Sends the last reply of all and closes. */
    void answerAndClose(ByteBuf reply) {
        part = Part.END;
        ctx().writeAndFlush(reply).addListener(ChannelFutureListener.CLOSE);
    }

    /** Leaves the socket unread until {@code future} is done, then calls {@code then} on the loop, which answers. */
    <T> void await(CompletableFuture<T> future, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        await(future, value -> {}, then);
    }

    /** @param release what to do with the value if the client is gone by then */
    <T> void await(
            CompletableFuture<T> future, Consumer<T> release, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        part = Part.ANSWERING;
        Channel channel = ctx().channel();
        channel.config().setAutoRead(false);
        future.whenComplete((value, failure) -> channel.eventLoop().execute(() -> {
            if (part != Part.ANSWERING) {
                if (value != null) {
                    release.accept(value);
                }
                return;
            }
            then.accept(value, failure);
            if (part == Part.OPTION) {
                channel.config().setAutoRead(true);
                goOn();
            }
        }));
    }

    /**
     * The same for a question whose answer is long: it is asked once there is memory for the answer, which waits its
     * turn among everybody's.
     */
    <T> void awaitLong(Supplier<CompletableFuture<T>> question, BiConsumer<@Nullable T, @Nullable Throwable> then) {
        part = Part.ANSWERING;
        ctx().channel().config().setAutoRead(false);
        NbdLimits.Negotiation limits = service.limits().negotiation();
        AnswerMemory memory = new AnswerMemory(service.budget(), limits.answerBytes());
        answerMemory = memory;
        memory.await(ctx().channel().eventLoop(), () -> await(question.get(), then));
    }

    /** The channel is about to leave for its volume. */
    void leave() {
        part = Part.END;
        forget();
    }

    /** Decodes what came in while an answer was waited for. */
    private void goOn() {
        try {
            channelRead(ctx(), ctx().alloc().buffer(0));
        } catch (Exception e) {
            exceptionCaught(ctx(), e);
        }
    }

    void violation(String what) {
        part = Part.END;
        service.counters().violations.increment();
        LOG.info("closing a connection in handshake: the client sent {}", what);
        ctx().close();
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
        if (answerMemory != null) {
            answerMemory.free();
            answerMemory = null;
        }
    }
}
