package io.varve.api.diskimage;

import io.varve.engine.ExtentSource;
import io.varve.engine.StoreException;
import io.varve.engine.Volume;
import io.varve.nbd.Export;
import io.varve.nbd.ExportResolver;
import io.varve.nbd.History;
import io.varve.nbd.NbdLimits;
import io.varve.nbd.NbdServer;
import io.varve.nbd.NbdServerOptions;
import io.varve.nbd.NettyLoops;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * One volume or snapshot, offered to one child over NBD: on a Unix socket in a directory that only this user can enter.
 * The main server knows nothing of it, so a hidden volume stays hidden. When the server dies, so does the child's disk.
 */
final class PrivateExport implements AutoCloseable {
    private static final String NAME = "disk";

    /** Beside the budget of the main server; qemu-img has at most 8 requests of 2 MiB at work. */
    private static final long MEMORY_BYTES = 32 << 20;

    private final ScratchDirectory scratch;
    private final Path socket;
    private final NbdServer server;

    private PrivateExport(ScratchDirectory scratch, Path socket, NbdServer server) {
        this.scratch = scratch;
        this.socket = socket;
        this.server = server;
    }

    static PrivateExport of(
            NettyLoops loops, long sizeBytes, boolean readOnly, Supplier<CompletableFuture<Volume>> opener)
            throws IOException {
        ScratchDirectory scratch = ScratchDirectory.create();
        Path socket = scratch.path().resolve("nbd.sock");
        Export export = new Export(NAME, NAME, "", sizeBytes, readOnly, opener, new NoHistory());
        NbdServerOptions options = NbdServerOptions.NOWHERE
                .onUnixSocket(socket)
                .withLimits(NbdLimits.DEFAULT.withConnections(4).within(MEMORY_BYTES));
        try {
            return new PrivateExport(scratch, socket, NbdServer.start(loops, options, new One(export)));
        } catch (RuntimeException e) {
            scratch.close();
            throw e;
        }
    }

    String uri() {
        return "nbd+unix:///" + NAME + "?socket=" + socket;
    }

    /** Returns when nothing is open any more. */
    @Override
    public void close() throws IOException {
        server.close();
        scratch.close();
    }

    private record One(Export export) implements ExportResolver {
        @Override
        public CompletableFuture<Optional<Export>> resolve(String name) {
            return CompletableFuture.completedFuture(Optional.of(export).filter(one -> name.equals(NAME)));
        }

        @Override
        public CompletableFuture<List<Listing>> list() {
            return CompletableFuture.completedFuture(List.of());
        }
    }

    /** What is new has no past, and nobody asks for a snapshot's here. */
    private static final class NoHistory implements History {
        @Override
        public CompletableFuture<List<String>> snapshots() {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public CompletableFuture<ExtentSource> changedSince(Volume volume, String snapshot) {
            return refused();
        }

        @Override
        public CompletableFuture<ExtentSource> allocationDepth(Volume volume) {
            return refused();
        }

        private static CompletableFuture<ExtentSource> refused() {
            return CompletableFuture.failedFuture(
                    new StoreException(StoreException.Kind.INVALID, "this export tells nothing of its past"));
        }
    }
}
