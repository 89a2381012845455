package io.varve.nbd;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import java.util.concurrent.TimeUnit;

/**
 * Closes a connection whose client stands still in the middle of a message, or does not read its replies: such a client
 * holds buffers that others need. One that is merely idle may stay for ever. Used on the connection's loop.
 */
final class StallWatch {
    private final Channel channel;
    private final RequestDecoder decoder;
    private final Service service;
    private final Runnable check = this::check;
    private boolean armed;
    private long takenBytes;
    private long unsentBytes;

    StallWatch(Channel channel, RequestDecoder decoder, Service service) {
        this.channel = channel;
        this.decoder = decoder;
        this.service = service;
    }

    /** Called at the end of every turn. */
    void arm() {
        if (!armed && (decoder.midMessage() || unsentBytes() > 0)) {
            armed = true;
            takenBytes = decoder.takenBytes();
            unsentBytes = unsentBytes();
            channel.eventLoop().schedule(check, service.limits().stall().toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private void check() {
        armed = false;
        if (!channel.isActive()) {
            return;
        }
        boolean silent = decoder.midMessage() && channel.config().isAutoRead() && decoder.takenBytes() == takenBytes;
        boolean deaf = unsentBytes > 0 && unsentBytes() == unsentBytes && decoder.takenBytes() == takenBytes;
        if (silent || deaf) {
            service.counters().timeouts.increment();
            channel.close();
        } else {
            arm();
        }
    }

    private long unsentBytes() {
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        return outbound == null ? 0 : outbound.totalPendingWriteBytes();
    }
}
