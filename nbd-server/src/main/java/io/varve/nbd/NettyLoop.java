package io.varve.nbd;

import io.netty.channel.EventLoop;
import io.varve.engine.VolumeLoop;
import java.util.concurrent.TimeUnit;

/** A Netty event loop as the engine sees it: volumes and the connections to them share one thread. */
record NettyLoop(EventLoop eventLoop) implements VolumeLoop {
    @Override
    public boolean inLoop() {
        return eventLoop.inEventLoop();
    }

    @Override
    public void execute(Runnable task) {
        eventLoop.execute(task);
    }

    @Override
    public void schedule(Runnable task, long delayNanos) {
        eventLoop.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
    }
}
