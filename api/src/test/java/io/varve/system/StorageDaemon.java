package io.varve.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;

/** A qemu-storage-daemon that opens one export and exports it again, writable, on a Unix socket. */
final class StorageDaemon implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Process process;
    private final Path socket;

    private StorageDaemon(Process process, Path socket) {
        this.process = process;
        this.socket = socket;
    }

    /**
     * Starts one and waits until it serves.
     *
     * @param object an object of QEMU's that the options speak of; empty for none
     * @param options how it opens the export: {@code driver=nbd,…}
     * @param socket where it listens
     */
    static StorageDaemon start(Path directory, String object, String options, Path socket) throws IOException {
        Path pid = directory.resolve("storage-daemon.pid");
        Path output = directory.resolve("storage-daemon.out");
        List<String> command = new ArrayList<>(List.of("qemu-storage-daemon"));
        if (!object.isEmpty()) {
            command.addAll(List.of("--object", object));
        }
        command.addAll(List.of(
                "--blockdev",
                options + ",node-name=volume",
                "--nbd-server",
                "addr.type=unix,addr.path=" + socket,
                "--export",
                "type=nbd,id=again,node-name=volume,name=again,writable=on",
                "--pidfile",
                pid.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        StorageDaemon daemon = new StorageDaemon(process, socket);
        Awaitility.await().atMost(PATIENCE).until(() -> Files.exists(pid) || !process.isAlive());
        if (!process.isAlive()) {
            throw new AssertionError("qemu-storage-daemon ended: " + Files.readString(output));
        }
        return daemon;
    }

    String uri() {
        return "nbd+unix:///again?socket=" + socket;
    }

    /** SIGTERM, at which it flushes, and waits for the end. */
    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
    }
}
