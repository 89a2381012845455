package io.varve.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves a channel from the acceptor's loop to its volume's, at the one moment when the protocol keeps the client
 * silent: before the reply that opens the export. The socket is not read meanwhile; a receive that was under way ends
 * before the channel is deregistered, and its bytes stay with the handshake, which hands them on when the connection
 * takes its place, behind the reply.
 */
final class Opening {
    private static final Logger LOG = LoggerFactory.getLogger(Opening.class);

    private final HandshakeHandler handshake;
    private final Service service;
    private final PayloadReceiver receiver;
    private final Session session;

    Opening(HandshakeHandler handshake, Service service, PayloadReceiver receiver, Session session) {
        this.handshake = handshake;
        this.service = service;
        this.receiver = receiver;
        this.session = session;
    }

    /**
     * Begins on the loop where the channel is.
     *
     * @param reply what the client gets once the connection stands
     */
    void begin(ChannelHandlerContext ctx, ByteBuf reply) {
        Channel channel = ctx.channel();
        channel.config().setAutoRead(false);
        if (!(session.volume().loop() instanceof NettyLoop loop)) {
            LOG.error("{} does not live on a loop of NettyLoops", session.exportId());
            giveUp(channel, reply);
        } else if (loop.inLoop()) {
            connect(channel, reply);
        } else {
            channel.deregister().addListener(left -> {
                if (left.isSuccess()) {
                    register(channel, loop.eventLoop(), reply);
                } else {
                    giveUp(channel, reply);
                }
            });
        }
    }

    private void register(Channel channel, EventLoop loop, ByteBuf reply) {
        loop.register(channel).addListener(arrived -> {
            if (arrived.isSuccess() && channel.isActive()) {
                connect(channel, reply);
            } else {
                giveUp(channel, reply);
            }
        });
    }

    private void connect(Channel channel, ByteBuf reply) {
        Connection connection = new Connection(session, service, receiver, reply);
        channel.pipeline().replace(handshake, "connection", connection);
        service.counters().opened.increment();
        connection.start();
    }

    private void giveUp(Channel channel, ByteBuf reply) {
        reply.release();
        session.release();
        channel.close();
    }
}
