package io.varve.nbd;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.varve.engine.VolumeLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of the data path: some loops on which volumes and the connections to them live, and one on which
 * connections are accepted and negotiated. The process's assembly makes one, gives {@link #nextLoop} to the engine as
 * part of its threads and the whole to {@link NbdServer}, and closes it after both.
 *
 * <p>Thread-safe.
 */
public final class NettyLoops implements AutoCloseable {
    private static final long CLOSE_SECONDS = 10;

    private final Transport transport;
    private final EventLoopGroup acceptor;
    private final EventLoopGroup volumes;
    private final List<VolumeLoop> loops;
    private final AtomicInteger next = new AtomicInteger();

    private NettyLoops(Transport transport, int volumeLoops) {
        this.transport = transport;
        volumes = group(transport, transport.movesChannels() ? volumeLoops : 1, "volume-loop");
        acceptor = transport.movesChannels() ? group(transport, 1, "nbd-acceptor") : volumes;
        List<VolumeLoop> all = new ArrayList<>();
        volumes.forEach(executor -> all.add(new NettyLoop((EventLoop) executor)));
        loops = List.copyOf(all);
    }

    /**
     * Starts the threads.
     *
     * @param volumeLoops how many loops volumes are spread over; as many as there are cores is right. With io_uring
     *     there is one loop for everything, because its channels cannot change loops
     */
    public static NettyLoops start(Transport transport, int volumeLoops) {
        if (volumeLoops < 1) {
            throw new IllegalArgumentException("at least one volume loop is needed, not " + volumeLoops);
        }
        return new NettyLoops(transport, volumeLoops);
    }

    /** The loop for the next volume that is opened: one after the other. */
    public VolumeLoop nextLoop() {
        return loops.get(Math.floorMod(next.getAndIncrement(), loops.size()));
    }

    public Transport transport() {
        return transport;
    }

    private static EventLoopGroup group(Transport transport, int threads, String name) {
        return new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory(name), transport.ioHandler());
    }

    EventLoopGroup acceptor() {
        return acceptor;
    }

    /** Ends the threads after the tasks that they have. Close the server and the engine first. */
    @Override
    public void close() {
        acceptor.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly();
        volumes.shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
