package io.varve.api;

import io.varve.engine.BlockStore;
import io.varve.engine.StoreOptions;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.nio.file.Path;

/** An engine on a directory, with the threads that it needs. */
public final class TestEngine implements AutoCloseable {
    private final NettyLoops loops = NettyLoops.start(Transport.auto(), 1);
    private final DaemonThreads threads = new DaemonThreads(loops);
    private final BlockStore store;

    private TestEngine(Path directory) {
        store = BlockStore.open(directory, StoreOptions.DEFAULT, threads);
    }

    public static TestEngine open(Path directory) {
        return new TestEngine(directory);
    }

    public BlockStore store() {
        return store;
    }

    @Override
    public void close() {
        try {
            store.close();
        } finally {
            threads.close();
            loops.close();
        }
    }
}
