package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.concurrent.TimeUnit;

/** A channel in memory whose other end takes what it is told to take, on a clock that is told how late it is. */
final class SlowChannel extends EmbeddedChannel {
    private long takeable;
    private long taken;

    SlowChannel() {
        freezeTime();
    }

    /** Lets the other end take so much more. */
    void take(long bytes) {
        takeable += bytes;
        unsafe().flush();
        runPendingTasks();
    }

    /** What the other end has taken. */
    long taken() {
        return taken;
    }

    /** Lets time go by. */
    void pass(long seconds) {
        for (long i = 0; i < seconds; i++) {
            advanceTimeBy(1, TimeUnit.SECONDS);
            runPendingTasks();
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer in) {
        while (in.current() instanceof ByteBuf message && (takeable > 0 || !message.isReadable())) {
            long now = Math.min(takeable, message.readableBytes());
            takeable -= now;
            taken += now;
            in.removeBytes(now);
        }
    }
}
