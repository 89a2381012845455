package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.varve.engine.Volume;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection in the transmission phase (proto.md, "Transmission"): gives a client's requests to a volume and the
 * volume's answers to the client.
 *
 * <p>Work goes by turns. All requests that came in with one read of the socket are made first, then submitted as one
 * batch, and what is answered by then goes out with one flush, or with a few where it is much. Completions that come
 * later share a flush at the end of the loop's present turn.
 *
 * <p>Hot path. Lives on the volume's loop: every method is called there, but for {@link #drain}, {@link #closeNow} and
 * {@link #closed}.
 */
final class Connection extends ChannelInboundHandlerAdapter implements RequestDecoder.Sink, NbdRequest.Owner {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
    private static final int SPARE_EXTENTS = 64;

    private final Session session;
    private final Service service;
    private final PayloadReceiver receiver;
    private final ByteBuf opening;
    private final Volume volume;
    private final RequestRules rules;
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private final ArrayDeque<NbdRequest> spare = new ArrayDeque<>();
    /** Received, but not yet taken in. */
    private final ArrayDeque<ByteBuf> held = new ArrayDeque<>(2);

    private final Runnable turn = this::runTurn;

    private @Nullable Wiring wiring;
    private boolean inTurn;
    private boolean turnDue;
    private boolean submitDue;
    private boolean sendingAwaited;
    private boolean refusing;
    private boolean leaving;
    private boolean closing;
    /** The client was in the middle of something when the server ended the connection. */
    private boolean interrupted;

    private boolean gone;

    /** What exists only once the channel is on this loop. */
    private record Wiring(
            ChannelHandlerContext ctx,
            Intake intake,
            RequestDecoder decoder,
            RequestWork work,
            ReplyWriter replies,
            StallWatch watch) {}

    /** @param opening the reply that opens the export: the first bytes that the client gets on this loop */
    Connection(Session session, Service service, PayloadReceiver receiver, ByteBuf opening) {
        this.session = session;
        this.service = service;
        this.receiver = receiver;
        this.opening = opening;
        this.volume = session.volume();
        this.rules = new RequestRules(session, service.limits());
    }

    /** True if a volume or snapshot is in use by this connection. Any thread. */
    boolean uses(String id) {
        return session.uses(id);
    }

    /** The memory that it holds. Any thread. */
    long bytes() {
        return wiring().intake().bytes();
    }

    /** Completes when the channel is closed and the volume released. Any thread. */
    CompletableFuture<Void> closed() {
        return closed;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        Intake intake = new Intake(ctx.channel(), volume, service, turn);
        RequestDecoder decoder = new RequestDecoder(this, session.style(), service.limits(), receiver, ctx.alloc());
        ReplyWriter replies = new ReplyWriter(ctx, session.style(), this::kept);
        RequestWork work = new RequestWork(session, service.limits(), rules, ctx, replies, () -> gone);
        StallWatch watch = new StallWatch(ctx.channel(), decoder, replies, intake, service);
        receiver.allow(intake);
        int outbound = service.limits().outboundBytes();
        ctx.channel().config().setWriteBufferWaterMark(new WriteBufferWaterMark(outbound / 4, outbound));
        wiring = new Wiring(ctx, intake, decoder, work, replies, watch);
        ctx.write(opening, ctx.voidPromise());
        service.connections().add(this);
    }

    /** Begins to read the client's requests: the last step of opening. */
    void start() {
        wiring().ctx().flush();
        runTurn();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        inTurn = true;
        ByteBuf in = (ByteBuf) message;
        if (receiver.landed(in)) {
            wiring().decoder().landed(in.readableBytes());
            in.release();
        } else {
            wiring().intake().received(in.capacity());
            held.add(in);
            takeIn();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        runTurn();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (!inTurn && ctx.channel().isWritable()) {
            runTurn();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        gone = true;
        submit();
        while (!held.isEmpty()) {
            letGo(held.remove());
        }
        wiring().decoder().close();
        wiring().replies().close();
        wiring().intake().close();
        releaseWhenIdle();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        // Broken pipes and resets are clients that went away: nothing to tell the operator.
        if (!(cause instanceof IOException)) {
            LOG.warn("connection to {} fails", session.exportId(), cause);
        }
        ctx.close();
    }

    @Override
    public boolean mayTake() {
        Intake intake = wiring().intake();
        return refusing ? intake.mayRefuse() : intake.mayTake();
    }

    @Override
    public NbdRequest begin(int flags, int command, long cookie, long offset, long length) {
        NbdRequest request = spare.isEmpty() ? new NbdRequest(this) : spare.pop();
        request.active = true;
        request.command = Command.of(command);
        request.flags = flags;
        request.cookie = cookie;
        request.offset = offset;
        request.length = length;
        request.error = rules.check(request);
        request.admitted = false;
        return request;
    }

    @Override
    public boolean admit(NbdRequest request, boolean received) {
        Intake intake = wiring().intake();
        if (refusing) {
            request.error = NbdError.SHUTDOWN;
        }
        long bytes =
                received || request.error != NbdError.NONE ? 0 : wiring().work().cost(request);
        if (!intake.admits(bytes)) {
            return false;
        }
        request.admitted = true;
        request.chargedBytes = bytes + Intake.REQUEST_BYTES;
        intake.began(request.chargedBytes);
        return true;
    }

    @Override
    public void perform(NbdRequest request) {
        Command command = request.command;
        if (request.error != NbdError.NONE || command == null) {
            completed(request, request.error);
            return;
        }
        if (request.length == 0 && command != Command.FLUSH) {
            completed(request, NbdError.NONE);
            return;
        }
        submitDue = true;
        wiring().work().begin(request, command);
    }

    /** Answers a request and forgets it. */
    @Override
    public void completed(NbdRequest request, NbdError error) {
        if (!request.active) {
            throw new IllegalStateException("a request was completed twice");
        }
        if (!gone) {
            wiring().work().reply(request, error);
            wiring().replies().flushEarly();
        }
        abandon(request);
        if (gone) {
            releaseWhenIdle();
        } else {
            turnSoon();
        }
    }

    private void turnSoon() {
        if (!inTurn && !turnDue) {
            turnDue = true;
            wiring().ctx().channel().eventLoop().execute(turn);
        }
    }

    private void kept(int bytes) {
        wiring().intake().kept(bytes);
        if (bytes < 0) {
            turnSoon();
        }
    }

    @Override
    public void abandon(NbdRequest request) {
        request.releaseBuffer();
        request.active = false;
        if (request.admitted) {
            wiring().intake().ended(request.chargedBytes);
        }
        // One that has told of many extents would keep the memory for them.
        if (request.report.extents().size() <= SPARE_EXTENTS) {
            spare.push(request);
        }
    }

    @Override
    public void receivedFreed(int bytes) {
        wiring().intake().receivedFreed(bytes);
    }

    @Override
    public void goodbye() {
        leaving = true;
    }

    @Override
    public void violation(String what) {
        service.counters().violations.increment();
        LOG.info("closing a connection to {}: the client sent {}", session.exportId(), what);
        wiring().ctx().close();
    }

    /**
     * Answers what is at work, and every later request with ESHUTDOWN, and closes the connection (proto.md,
     * "Terminating the transmission phase"). A request that is not there whole by then is forgotten. Any thread.
     *
     * @param graceNanos time that the client is given to see an ESHUTDOWN and leave by itself
     */
    void drain(long graceNanos) {
        EventLoop loop = wiring().ctx().channel().eventLoop();
        loop.execute(() -> {
            refusing = true;
            runTurn();
            if (graceNanos > 0) {
                loop.schedule(this::leave, graceNanos, TimeUnit.NANOSECONDS);
            } else {
                leave();
            }
        });
    }

    /** Closes the connection whatever is at work. Any thread. */
    void closeNow() {
        wiring().ctx().close();
    }

    private void leave() {
        leaving = true;
        interrupted = wiring().decoder().midMessage() || !held.isEmpty();
        wiring().decoder().end();
        runTurn();
    }

    private void runTurn() {
        turnDue = false;
        inTurn = true;
        do {
            submit();
            if (!gone) {
                wiring().replies().flush();
            }
        } while (takeIn());
        inTurn = false;
        if (!gone) {
            endTurn(wiring());
        }
    }

    private void endTurn(Wiring my) {
        if (leaving && my.intake().idle() && !closing) {
            closing = true;
            bidFarewell(my.ctx());
        }
        if (closing) {
            my.intake().settle();
        } else {
            my.intake().regulate(!leaving && held.isEmpty() && !my.decoder().waits());
        }
        my.watch().arm();
        if (!sendingAwaited && my.intake().holdsShared() && my.intake().unsentBytes() > 0) {
            // No other event says that the last of it was taken, and others may wait for the memory.
            sendingAwaited = true;
            my.ctx().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(sent -> {
                sendingAwaited = false;
                turnSoon();
            });
        }
    }

    private void bidFarewell(ChannelHandlerContext ctx) {
        if (refusing) {
            Farewell.within(service.limits().patience().farewell(), ctx.channel());
        }
        if (interrupted) {
            Farewell.interrupt(ctx);
        } else {
            Farewell.say(ctx);
        }
    }

    private void submit() {
        if (submitDue) {
            submitDue = false;
            volume.submit();
        }
    }

    /** Decodes what is held as far as that is allowed; true if any of it went in. */
    private boolean takeIn() {
        RequestDecoder decoder = wiring().decoder();
        boolean taken = held.isEmpty() && decoder.decode(Unpooled.EMPTY_BUFFER);
        while (!held.isEmpty()) {
            taken |= decoder.decode(held.peek());
            if (held.isEmpty() || held.peek().isReadable()) {
                break;
            }
            letGo(held.remove());
        }
        return taken;
    }

    private void letGo(ByteBuf received) {
        int capacity = received.capacity();
        if (received.release()) {
            receivedFreed(capacity);
        }
    }

    private void releaseWhenIdle() {
        if (wiring().intake().idle() && !closed.isDone()) {
            service.connections().remove(this);
            session.release();
            closed.complete(null);
        }
    }

    private Wiring wiring() {
        Wiring made = wiring;
        if (made == null) {
            throw new IllegalStateException("the connection is not on its loop yet");
        }
        return made;
    }
}
