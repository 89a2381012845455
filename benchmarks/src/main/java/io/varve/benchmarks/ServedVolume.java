package io.varve.benchmarks;

import io.varve.engine.ExtentSource;
import io.varve.engine.Volume;
import io.varve.nbd.Export;
import io.varve.nbd.ExportResolver;
import io.varve.nbd.History;
import io.varve.nbd.NbdServer;
import io.varve.nbd.NbdServerOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A filled volume behind an NBD server on a Unix socket, and a client of it in the same process. */
@State(Scope.Benchmark)
public class ServedVolume {
    private static final String NAME = "volume";

    @SuppressWarnings("NullAway.Init") // by serve()
    private FilledVolume filled;

    @SuppressWarnings("NullAway.Init") // by serve()
    private NbdServer server;

    @SuppressWarnings("NullAway.Init") // by serve()
    private NbdClient client;

    @SuppressWarnings("NullAway.Init") // by serve()
    private Path directory;

    @Setup(Level.Trial)
    public void serve(FilledVolume volume) throws IOException {
        filled = volume;
        directory = Files.createTempDirectory("varve-benchmark-");
        Path socket = directory.resolve("nbd");
        server = NbdServer.start(volume.loops(), NbdServerOptions.NOWHERE.onUnixSocket(socket), new OneExport(volume));
        client = new NbdClient(socket, NAME, volume.requestBytes(), volume.depth, new byte[volume.requestBytes()]);
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        client.close();
        server.close();
        TemporaryStore.delete(directory);
    }

    NbdClient client() {
        return client;
    }

    FilledVolume filled() {
        return filled;
    }

    /** The volume under its only name. */
    private record OneExport(FilledVolume filled) implements ExportResolver {
        @Override
        public CompletableFuture<Optional<Export>> resolve(String name) {
            Volume volume = filled.volume();
            return CompletableFuture.completedFuture(Optional.of(new Export(
                    filled.id().toString(),
                    NAME,
                    "",
                    volume.sizeBytes(),
                    false,
                    () -> filled.store().open(filled.id()),
                    new NoHistory())));
        }

        @Override
        public CompletableFuture<List<Listing>> list() {
            return CompletableFuture.completedFuture(List.of());
        }
    }

    /** Nobody asks. */
    private record NoHistory() implements History {
        @Override
        public CompletableFuture<List<String>> snapshots() {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public CompletableFuture<ExtentSource> changedSince(Volume volume, String snapshot) {
            return CompletableFuture.failedFuture(new UnsupportedOperationException(snapshot));
        }

        @Override
        public CompletableFuture<ExtentSource> allocationDepth(Volume volume) {
            return CompletableFuture.failedFuture(new UnsupportedOperationException());
        }
    }
}
