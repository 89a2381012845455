package io.varve.benchmarks;

import io.varve.api.DaemonThreads;
import io.varve.engine.BlockStore;
import io.varve.engine.StoreOptions;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** An empty store on the threads that the daemon runs it on, in a directory that is deleted with it. */
final class TemporaryStore implements AutoCloseable {
    private final Path directory;
    private final NettyLoops loops;
    private final DaemonThreads threads;
    private final BlockStore store;

    /** Opens the store on the best transport here. */
    TemporaryStore(String parent) throws IOException {
        this(parent, Transport.auto(), StoreOptions.DEFAULT);
    }

    /**
     * Opens the store.
     *
     * @param parent the directory to make the store's directory in; empty for the JVM's temporary directory
     * @param transport what the loops that volumes live on wait with
     * @param options the store's limits
     */
    TemporaryStore(String parent, Transport transport, StoreOptions options) throws IOException {
        Path in = Path.of(parent.isEmpty() ? System.getProperty("java.io.tmpdir") : parent);
        directory = Files.createTempDirectory(in, "varve-benchmark-");
        loops = NettyLoops.start(transport, 1);
        threads = new DaemonThreads(loops);
        store = BlockStore.open(directory, options, threads);
    }

    BlockStore store() {
        return store;
    }

    NettyLoops loops() {
        return loops;
    }

    @Override
    public void close() throws IOException {
        store.close();
        threads.close();
        loops.close();
        delete(directory);
    }

    /** Deletes a directory with all that is in it. */
    static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
