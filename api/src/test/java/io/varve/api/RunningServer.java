package io.varve.api;

import io.varve.api.control.ControlSettings;
import io.varve.api.rest.Probe;
import io.varve.engine.MemoryBudget;
import io.varve.engine.StoreOptions;
import io.varve.nbd.TlsSettings;
import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** A whole server in this process, on free ports and a directory of its own. */
final class RunningServer implements AutoCloseable {
    private final Daemon daemon;
    private final Probe probe;

    private RunningServer(Daemon daemon) {
        this.daemon = daemon;
        this.probe = new Probe(daemon.apiUri());
    }

    static RunningServer on(Path directory) {
        return new RunningServer(Daemon.start(settings(directory), Main.ENGINE));
    }

    static RunningServer on(Path directory, ControlSettings control) {
        return new RunningServer(Daemon.start(settings(directory, control), Main.ENGINE));
    }

    /** With a directory for disk images. */
    static RunningServer withImports(Path directory, Path importDirectory) {
        return new RunningServer(
                Daemon.start(settings(directory, Optional.of(importDirectory), ControlSettings.DEFAULT), Main.ENGINE));
    }

    /** Listens and lets in as these say. */
    static RunningServer on(Path directory, ApiSettings api, boolean insecure) {
        ServeSettings base = settings(directory);
        return new RunningServer(Daemon.start(
                new ServeSettings(
                        base.data(),
                        base.nbd(),
                        api,
                        insecure,
                        base.memory(),
                        base.ballastBytes(),
                        base.scrubBytesPerSecond(),
                        base.attachedOnly(),
                        base.importDirectory(),
                        base.control()),
                Main.ENGINE));
    }

    /** Over TLS on loopback. */
    static RunningServer withTls(Path directory, TlsSettings tls) {
        return on(directory, new ApiSettings(new ListenAddress("127.0.0.1", 0), Optional.of(tls)), false);
    }

    static ServeSettings settings(Path directory) {
        return settings(directory, ControlSettings.DEFAULT);
    }

    private static ServeSettings settings(Path directory, ControlSettings control) {
        return settings(directory, Optional.empty(), control);
    }

    private static ServeSettings settings(Path directory, Optional<Path> importDirectory, ControlSettings control) {
        ListenAddress anyPort = new ListenAddress("127.0.0.1", 0);
        return new ServeSettings(
                directory.resolve("data"),
                NbdSettings.plain(anyPort, Optional.of(directory.resolve("nbd.sock"))),
                new ApiSettings(anyPort, Optional.empty()),
                false,
                MemoryBudget.DEFAULT,
                StoreOptions.BALLAST_BY_DISK,
                4 << 20,
                false,
                importDirectory,
                control);
    }

    Daemon daemon() {
        return daemon;
    }

    Probe api() {
        return probe;
    }

    int apiPort() {
        return URI.create(daemon.apiUri()).getPort();
    }

    /** Creates a volume and gives its document. */
    JsonObject newVolume(int sizeGiB) {
        return probe.post("/v1/volumes", new JsonObject().put("sizeGiB", sizeGiB))
                .body();
    }

    JsonObject newSnapshot(String volumeId) {
        return probe.post("/v1/snapshots", new JsonObject().put("volumeId", volumeId))
                .body();
    }

    @Override
    public void close() {
        daemon.close();
    }
}
