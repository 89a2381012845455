package io.varve.benchmarks;

import io.varve.api.access.Access;
import io.varve.api.access.AuditLog;
import io.varve.api.access.Credentials;
import io.varve.api.aws.ec2.Ec2Face;
import io.varve.api.control.Connections;
import io.varve.api.control.ControlDatabase;
import io.varve.api.control.ControlPlane;
import io.varve.api.rest.NbdAddress;
import io.varve.api.rest.RestAddress;
import io.varve.api.rest.RestServer;
import io.varve.engine.BlockStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;

/** The control plane of an empty store behind its API on loopback, in directories that are deleted with it. */
final class ServedControlPlane implements AutoCloseable {
    private final Path directory;
    private final TemporaryStore store;
    private final ControlDatabase database;
    private final ControlPlane control;
    private final RestServer rest;

    /**
     * Starts it.
     *
     * @param parent the directory to make both directories in
     */
    ServedControlPlane(String parent) throws IOException {
        store = new TemporaryStore(parent);
        directory = Files.createTempDirectory(Path.of(parent), "varve-control-");
        database = ControlDatabase.open(directory, () -> false);
        control = ControlPlane.start(store.store(), database, new SecureRandom(), Clock.systemUTC());
        rest = RestServer.start(
                RestAddress.plain(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), "127.0.0.1"),
                control,
                Connections.NONE,
                new NbdAddress(Optional.empty(), 0, Optional.empty(), false),
                new Access(
                        new Credentials(database.credentials(), directory, new SecureRandom(), Clock.systemUTC(), true),
                        new AuditLog(directory, Clock.systemUTC())),
                Map.of(Ec2Face.SERVICE, new Ec2Face(control, Connections.NONE)),
                () -> "");
    }

    BlockStore store() {
        return store.store();
    }

    ControlPlane control() {
        return control;
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:" + rest.port() + path);
    }

    @Override
    public void close() throws IOException {
        rest.close();
        control.close();
        database.close();
        store.close();
        TemporaryStore.delete(directory);
    }
}
