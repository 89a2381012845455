package io.varve.nbd;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Ends a connection behind its last reply. Used on the connection's loop. */
final class Farewell {
    private Farewell() {}

    /** Closes once the client has taken everything. */
    static void say(ChannelHandlerContext ctx) {
        ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /**
     * Closes a connection whose client still talks: to do it at once would lose replies that are on their way. The
     * client is told by the end of them, and what it says is left to the handler, which reads past it, until it hangs
     * up.
     */
    static void interrupt(ChannelHandlerContext ctx) {
        if (!(ctx.channel() instanceof DuplexChannel channel)) {
            say(ctx);
            return;
        }
        ChannelFuture last = ctx.writeAndFlush(Unpooled.EMPTY_BUFFER);
        SslHandler tls = ctx.pipeline().get(SslHandler.class);
        (tls == null ? last : tls.closeOutbound()).addListener(said -> {
            channel.shutdownOutput();
            channel.config().setAutoRead(true);
        });
    }

    /** Closes after this time whatever the client does. */
    static void within(Duration time, Channel channel) {
        channel.eventLoop().schedule(() -> channel.close(), time.toNanos(), TimeUnit.NANOSECONDS);
    }
}
