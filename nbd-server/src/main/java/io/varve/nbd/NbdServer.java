package io.varve.nbd;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.util.NettyRuntime;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves volumes and snapshots over the NBD protocol (NetworkBlockDevice/nbd, doc/proto.md), on TCP and Unix sockets.
 * Thread-safe.
 *
 * <p>Stopping in order: {@link #shutdown}, then the store, then the {@link NettyLoops}.
 */
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    private static final int MOST_ARENAS = 8;
    private static final int BUFFER_PAGE_BYTES = 8 << 10;
    private static final int BUFFER_CHUNK_ORDER = 11; // 16 MiB
    private static final int SMALL_BUFFER_CHUNK_ORDER = 9; // 4 MiB
    /** With a smaller total, a large chunk for each thread would be too much of it. */
    private static final long LARGE_CHUNKS_FROM_BYTES = 64L << 20;

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
    private static final int BACKLOG = 1024;

    /**
     * What the kernel may keep of replies that a client on a Unix socket has not read yet: one reply of the size that
     * copying programs ask for. With the usual 208 KiB, client and server wake each other five times for each of them.
     * The kernel's wmem_max bounds it; TCP finds its own measure.
     */
    private static final int UNIX_SEND_BYTES = 1 << 20;

    private final NettyLoops loops;
    private final NbdServerOptions options;
    private final PooledByteBufAllocator buffers;
    private final Service service;
    /** Connections, and clients that went away whose requests are still at work. */
    private final AtomicInteger places = new AtomicInteger();

    private final List<Channel> listeners = new ArrayList<>();
    private Optional<InetSocketAddress> tcpAddress = Optional.empty();
    /** Those that are ours to remove. */
    private final List<Path> socketFiles = new ArrayList<>();

    private NbdServer(NettyLoops loops, NbdServerOptions options, ExportResolver resolver) {
        this.loops = loops;
        this.options = options;
        this.buffers = buffers(options.limits().totalBytes());
        this.service = Service.of(options.limits(), resolver, options.tls().map(Tls::new));
    }

    /**
     * Where what is received and sent is kept. A chunk is given back to the system as soon as nothing is in it, and its
     * pages have to be zeroed again; in chunks of the usual 4 MiB, half the time of 1 MiB reads went there. On the heap
     * nothing is pooled: there is next to nothing.
     */
    private static PooledByteBufAllocator buffers(long totalBytes) {
        return new PooledByteBufAllocator(
                true,
                0,
                Math.min(NettyRuntime.availableProcessors() + 1, MOST_ARENAS),
                BUFFER_PAGE_BYTES,
                totalBytes < LARGE_CHUNKS_FROM_BYTES ? SMALL_BUFFER_CHUNK_ORDER : BUFFER_CHUNK_ORDER,
                PooledByteBufAllocator.defaultSmallCacheSize(),
                PooledByteBufAllocator.defaultNormalCacheSize(),
                PooledByteBufAllocator.defaultUseCacheForAllThreads());
    }

    /**
     * Starts to listen. A socket file that a dead server left behind is replaced.
     *
     * @throws UncheckedIOException if an address cannot be listened on
     * @throws IllegalStateException if another server listens on the Unix socket, or its path is something else
     * @throws IllegalArgumentException if the files for TLS cannot be used
     */
    public static NbdServer start(NettyLoops loops, NbdServerOptions options, ExportResolver resolver) {
        NbdServer server = new NbdServer(loops, options, resolver);
        try {
            options.listeners().forEach(server::listen);
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
        return server;
    }

    /** The first TCP address with its real port; empty if there is no TCP. */
    public Optional<InetSocketAddress> tcpAddress() {
        return tcpAddress;
    }

    public NbdCounters counters() {
        return service.counters();
    }

    /** Direct memory of the pool that all buffers are from, with what it keeps around them. */
    long pooledBytes() {
        return buffers.metric().usedDirectMemory();
    }

    /** Connections to a volume that are in the transmission phase. */
    public int connections(VolumeId volume) {
        return service.connections().count(volume.toString());
    }

    /** Connections to a snapshot that are in the transmission phase. */
    public int connections(SnapshotId snapshot) {
        return service.connections().count(snapshot.toString());
    }

    /**
     * Closes the connections to a volume by force: what is at work is answered, later requests get ESHUTDOWN, and after
     * a short grace the connection is closed. Let the resolver hide the volume first, or clients come back. The future
     * completes when every handle is released.
     */
    public CompletableFuture<Void> disconnect(VolumeId volume) {
        return disconnect(volume.toString());
    }

    /** The same for the readers of a snapshot. */
    public CompletableFuture<Void> disconnect(SnapshotId snapshot) {
        return disconnect(snapshot.toString());
    }

    /**
     * Stops: accepts no one, answers what was received, closes. Blocks, at most {@code timeout}; what is not done by
     * then is closed as it is. Never call it on a loop.
     */
    public void shutdown(Duration timeout) {
        listeners.forEach(listener -> listener.close().awaitUninterruptibly());
        removeSocketFiles();
        CompletableFuture<Void> done = service.connections().shutDown();
        try {
            done.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            LOG.warn("closing connections that are still busy after {}", timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        service.connections().closeNow();
        service.tls().ifPresent(Tls::close);
    }

    /** {@link #shutdown} with ten seconds. */
    @Override
    public void close() {
        shutdown(CLOSE_TIMEOUT);
    }

    private CompletableFuture<Void> disconnect(String exportId) {
        return service.connections()
                .disconnect(exportId, options.disconnectGrace().toNanos());
    }

    private void listen(Listener listener) {
        Listener.Endpoint endpoint = listener.endpoint();
        if (endpoint instanceof Listener.Tcp tcp) {
            listenTcp(tcp.address(), listener.access());
        } else if (endpoint instanceof Listener.Unix unix) {
            listenUnix(unix, listener.access());
        } else if (endpoint instanceof Listener.Inherited inherited) {
            listenInherited(inherited, listener.access());
        }
    }

    private void listenTcp(InetSocketAddress address, Access access) {
        ServerBootstrap bootstrap = bootstrap(access)
                .channel(loops.transport().tcpChannel())
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.SO_KEEPALIVE, true);
        InetSocketAddress bound =
                (InetSocketAddress) listening(bootstrap.bind(address), address).localAddress();
        tcpAddress = tcpAddress.or(() -> Optional.of(bound));
    }

    private void listenUnix(Listener.Unix unix, Access access) {
        Path path = unix.path();
        UnixSocketFile.clear(path);
        SocketAddress address = loops.transport().unixAddress(path);
        ServerBootstrap bootstrap = bootstrap(access)
                .channel(loops.transport().unixChannel())
                .childOption(ChannelOption.SO_SNDBUF, UNIX_SEND_BYTES);
        listening(bootstrap.bind(address), address);
        socketFiles.add(path);
        UnixSocketFile.restrict(path, unix.mode());
    }

    private void listenInherited(Listener.Inherited inherited, Access access) {
        ServerChannel channel = loops.transport().inherited(inherited.descriptor());
        ServerBootstrap bootstrap = bootstrap(access).channelFactory(() -> channel);
        if (channel instanceof ServerSocketChannel tcp) {
            if (!inherited.beyondLoopback() && !tcp.localAddress().getAddress().isLoopbackAddress()) {
                throw new IllegalStateException("the socket " + tcp.localAddress()
                        + " can be reached from other machines, which takes TLS required and client certificates");
            }
            bootstrap.childOption(ChannelOption.TCP_NODELAY, true).childOption(ChannelOption.SO_KEEPALIVE, true);
            tcpAddress = tcpAddress.or(() -> Optional.of(tcp.localAddress()));
        } else {
            bootstrap.childOption(ChannelOption.SO_SNDBUF, UNIX_SEND_BYTES);
        }
        listening(bootstrap.register(), "descriptor " + inherited.descriptor());
    }

    private Channel listening(ChannelFuture future, Object where) {
        ChannelFuture bound = future.awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new UncheckedIOException(new IOException("cannot listen on " + where, bound.cause()));
        }
        listeners.add(bound.channel());
        return bound.channel();
    }

    private ServerBootstrap bootstrap(Access access) {
        int outbound = options.limits().negotiation().outboundBytes();
        return new ServerBootstrap()
                .group(loops.acceptor(), loops.acceptor())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.ALLOCATOR, buffers)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(outbound / 4, outbound))
                .childHandler(new Accepting(access));
    }

    private void removeSocketFiles() {
        socketFiles.forEach(path -> {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                LOG.warn("cannot remove the socket {}", path, e);
            }
        });
    }

    /** Sets up a channel that was accepted, or closes it where there are too many. */
    private final class Accepting extends ChannelInitializer<Channel> {
        private final Access access;

        Accepting(Access access) {
            this.access = access;
        }

        @Override
        protected void initChannel(Channel channel) {
            NbdCounters counters = service.counters();
            counters.accepted.increment();
            if (places.incrementAndGet() > options.limits().connections()) {
                counters.refused.increment();
                places.decrementAndGet();
                channel.close();
                return;
            }
            counters.open.incrementAndGet();
            channel.closeFuture().addListener(closed -> left(channel));
            PayloadReceiver receiver = new PayloadReceiver();
            channel.config().setRecvByteBufAllocator(receiver);
            channel.pipeline().addLast("handshake", new HandshakeHandler(service, access, receiver));
        }

        /** A client that went away keeps its place while requests of its are at work: they hold memory. */
        private void left(Channel channel) {
            service.counters().open.decrementAndGet();
            @Nullable Connection connection = channel.pipeline().get(Connection.class);
            if (connection == null) {
                places.decrementAndGet();
            } else {
                connection.closed().whenComplete((nothing, failure) -> places.decrementAndGet());
            }
        }
    }
}
