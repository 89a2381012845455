package io.varve.nbd;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes a connection whose client stands still in the middle of a message, or does not read its replies: such a client
 * holds buffers that others need. One that is slow may stay as long as anything moves, in whichever direction, and one
 * that is merely idle for ever. Who holds memory that others wait for has less time, and has to move something worth
 * while. Used on the connection's loop.
 */
final class StallWatch {
    private final Channel channel;
    private final RequestDecoder decoder;
    private final ReplyWriter replies;
    private final Intake intake;
    private final Service service;
    private final NbdLimits.Patience patience;
    private final Runnable check = this::check;
    private boolean armed;
    private int stillChecks;
    private Progress last = Progress.NONE;

    /**
     * How far a connection has come.
     *
     * @param request how many requests have begun
     * @param unsentBytes what waits to be sent
     * @param sending the message that is being sent
     */
    private record Progress(
            long takenBytes,
            long request,
            long sentBytes,
            long unsentBytes,
            @Nullable Object sending) {
        static final Progress NONE = new Progress(0, 0, 0, 0, null);

        @SuppressWarnings("ReferenceEquality") // whether it is still the very same message
        boolean movedSince(Progress before) {
            return takenBytes != before.takenBytes || sentBytes > before.sentBytes || sending != before.sending;
        }
    }

    StallWatch(Channel channel, RequestDecoder decoder, ReplyWriter replies, Intake intake, Service service) {
        this.channel = channel;
        this.decoder = decoder;
        this.replies = replies;
        this.intake = intake;
        this.service = service;
        this.patience = service.limits().patience();
    }

    /** Called at the end of every turn. */
    void arm() {
        if (!armed && (decoder.midMessage() || intake.unsentBytes() > 0)) {
            stillChecks = 0;
            schedule(progress());
        }
    }

    private void schedule(Progress now) {
        armed = true;
        last = now;
        channel.eventLoop().schedule(check, patience.pressed().toNanos(), TimeUnit.NANOSECONDS);
    }

    private void check() {
        armed = false;
        if (!channel.isActive()) {
            return;
        }
        boolean silent = decoder.midMessage() && channel.config().isAutoRead();
        boolean deaf = intake.unsentBytes() > 0;
        Progress now = progress();
        stillChecks = now.movedSince(last) ? 0 : stillChecks + 1;
        boolean stalled =
                stillChecks * patience.pressed().toNanos() >= patience.stall().toNanos();
        if ((silent || deaf) && (stalled || isInTheWay(now, silent, deaf))) {
            service.counters().timeouts.increment();
            channel.close();
        } else if (silent || deaf) {
            schedule(now);
        } else {
            arm();
        }
    }

    /** True if others wait for memory that this connection holds because its client does next to nothing. */
    private boolean isInTheWay(Progress now, boolean silent, boolean deaf) {
        if (!intake.holdsWhatOthersWant()) {
            return false;
        }
        long sent = now.sentBytes - last.sentBytes;
        long moved = sent + now.takenBytes - last.takenBytes;
        boolean sameRequest = now.request == last.request;
        return (deaf && sent < Math.min(patience.pressedBytes(), last.unsentBytes))
                || (silent && sameRequest && moved < patience.pressedBytes());
    }

    private Progress progress() {
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        if (outbound == null) {
            return Progress.NONE;
        }
        long unsent = outbound.totalPendingWriteBytes() - outbound.currentProgress();
        long sent = replies.totalBytes() - unsent;
        return new Progress(decoder.takenBytes(), decoder.begunRequests(), sent, unsent, outbound.current());
    }
}
