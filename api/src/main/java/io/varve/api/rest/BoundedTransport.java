package io.varve.api.rest;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.vertx.core.impl.transports.NioTransport;
import io.vertx.core.impl.transports.TransportInternal;
import io.vertx.core.transport.Transport;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sockets as Java has them, of which a server accepts only so many at once: one more is closed before it costs a buffer
 * or a handshake of TLS. Vert.x has no such bound of its own.
 */
final class BoundedTransport extends NioTransport {
    private final int mostConnections;
    private final AtomicInteger open = new AtomicInteger();

    private BoundedTransport(int mostConnections) {
        this.mostConnections = mostConnections;
    }

    static Transport accepting(int mostConnections) {
        return new TransportInternal("bounded", true, null, new BoundedTransport(mostConnections));
    }

    @Override
    public ChannelFactory<? extends ServerChannel> serverChannelFactory(boolean domainSocket) {
        return domainSocket ? super.serverChannelFactory(true) : Acceptor::new;
    }

    private final class Acceptor extends NioServerSocketChannel {
        @Override
        protected int doReadMessages(List<Object> accepted) throws Exception {
            int count = super.doReadMessages(accepted);
            if (count <= 0) {
                return count;
            }
            Channel channel = (Channel) accepted.get(accepted.size() - 1);
            if (open.incrementAndGet() > mostConnections) {
                open.decrementAndGet();
                accepted.remove(accepted.size() - 1);
                channel.unsafe().closeForcibly();
                return 0;
            }
            channel.closeFuture().addListener(closed -> open.decrementAndGet());
            return count;
        }
    }
}
