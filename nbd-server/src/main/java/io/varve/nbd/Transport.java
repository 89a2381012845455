package io.varve.nbd;

import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.channel.uring.IoUringServerSocketChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The ways to reach the kernel's sockets. Timers of epoll and io_uring are as fine as nanoseconds, those of NIO 1 ms.
 */
public enum Transport {
    EPOLL(EpollServerSocketChannel.class, EpollServerDomainSocketChannel.class) {
        @Override
        public boolean available() {
            return Epoll.isAvailable();
        }

        @Override
        IoHandlerFactory ioHandler() {
            return EpollIoHandler.newFactory();
        }

        @Override
        ServerChannel inherited(int descriptor) {
            InheritedSocket.checkNonBlocking(descriptor);
            return InheritedSocket.isUnix(descriptor)
                    ? new EpollServerDomainSocketChannel(descriptor, true)
                    : new EpollServerSocketChannel(descriptor);
        }
    },
    IO_URING(IoUringServerSocketChannel.class, IoUringServerDomainSocketChannel.class) {
        @Override
        public boolean available() {
            return IoUring.isAvailable();
        }

        @Override
        IoHandlerFactory ioHandler() {
            return IoUringIoHandler.newFactory();
        }

        @Override
        boolean movesChannels() {
            return false;
        }
    },
    NIO(NioServerSocketChannel.class, NioServerDomainSocketChannel.class) {
        @Override
        public boolean available() {
            return true;
        }

        @Override
        IoHandlerFactory ioHandler() {
            return NioIoHandler.newFactory();
        }

        @Override
        SocketAddress unixAddress(Path path) {
            return UnixDomainSocketAddress.of(path);
        }
    };

    private final Class<? extends ServerChannel> tcpChannel;
    private final Class<? extends ServerChannel> unixChannel;

    Transport(Class<? extends ServerChannel> tcpChannel, Class<? extends ServerChannel> unixChannel) {
        this.tcpChannel = tcpChannel;
        this.unixChannel = unixChannel;
    }

    /**
     * Finds a transport by its name: {@code epoll}, {@code io_uring}, {@code nio}, or {@code auto} for the best one
     * here.
     *
     * @throws IllegalArgumentException if there is no such transport, or not on this machine
     */
    public static Transport named(String name) {
        if (name.equalsIgnoreCase("auto")) {
            return auto();
        }
        for (Transport transport : values()) {
            if (transport.name().equalsIgnoreCase(name)) {
                if (!transport.available()) {
                    throw new IllegalArgumentException(
                            "transport " + name.toLowerCase(Locale.ROOT) + " does not work on this machine; use auto");
                }
                return transport;
            }
        }
        throw new IllegalArgumentException("unknown transport '" + name + "'; use auto, epoll, io_uring or nio");
    }

    /** The best transport that works here: epoll, else NIO. */
    public static Transport auto() {
        return EPOLL.available() ? EPOLL : NIO;
    }

    /** True if this machine has it: kernels and containers can lack epoll's library or forbid io_uring. */
    public abstract boolean available();

    abstract IoHandlerFactory ioHandler();

    /**
     * False if a channel cannot change loops without losing its reads: with io_uring (Netty 4.2.18) some never see a
     * byte again on their new loop, a few among two thousand openings.
     */
    boolean movesChannels() {
        return true;
    }

    /**
     * A channel for a socket that listens already.
     *
     * @throws IllegalStateException if this transport cannot do it, or the descriptor is no socket
     */
    ServerChannel inherited(int descriptor) {
        throw new IllegalStateException("sockets of whoever started this process need the transport epoll, not "
                + name().toLowerCase(Locale.ROOT));
    }

    SocketAddress unixAddress(Path path) {
        return new DomainSocketAddress(path.toString());
    }

    Class<? extends ServerChannel> tcpChannel() {
        return tcpChannel;
    }

    Class<? extends ServerChannel> unixChannel() {
        return unixChannel;
    }
}
