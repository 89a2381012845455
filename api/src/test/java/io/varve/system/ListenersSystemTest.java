package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ways in which a daemon listens: over TLS, at several places with rules of their own, on systemd's sockets. */
class ListenersSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    Path directory;

    @Test
    @RequiresTools({"openssl", "nbdinfo", "nbdcopy", "qemu-io"})
    void clientsThatOthersWroteWorkOverTls() throws IOException {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("rsa");
        Path rules = directory.resolve("rules");
        List<String> options = List.of(
                "--nbd=127.0.0.1:0",
                "--nbd-tls-cert=" + authority.serverCertificate(),
                "--nbd-tls-key=" + authority.serverKey(),
                "--nbd-tls-client-ca=" + authority.authority(),
                "--nbd-tls-clients=" + rules);
        Files.writeString(rules, "writer *\nreader snap-*\n");
        try (ServerProcess server = ServerProcess.start(directory, List.of(), options)) {
            String volume = server.newVolume("secret", 1);
            Path writer = authority.client("writer");
            Path reader = authority.client("reader");
            String uri = "nbds://127.0.0.1:" + server.nbdPort() + "/";
            assertThat(server.api().get("/v1/volumes/" + volume).body().getString("nbdUri"))
                    .isEqualTo(uri + volume);

            run(
                    "qemu-io",
                    "--object=tls-creds-x509,id=tls0,endpoint=client,dir=" + writer,
                    "--image-opts",
                    "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=" + server.nbdPort() + ",export="
                            + volume + ",tls-creds=tls0",
                    "-c",
                    "write -P 0x77 1M 32M",
                    "-c",
                    "flush",
                    "-c",
                    "read -P 0x77 1M 32M");
            String snapshot = server.newSnapshot(volume);
            Path copy = directory.resolve("copy");
            run("nbdcopy", uri + snapshot + "?tls-certificates=" + reader, copy.toString());
            Path direct = directory.resolve("direct");
            run("nbdcopy", server.unixUri(snapshot), direct.toString());
            assertThat(Files.mismatch(copy, direct)).isEqualTo(-1);

            assertThat(Tools.run(PATIENCE, "nbdinfo", uri + volume + "?tls-certificates=" + reader)
                            .exitCode())
                    .isNotZero();
            assertThat(run("nbdinfo", "--list", uri + "?tls-certificates=" + reader))
                    .contains(snapshot)
                    .doesNotContain(volume + ":");
            assertThat(Tools.run(PATIENCE, "nbdinfo", "nbd://127.0.0.1:" + server.nbdPort() + "/" + volume)
                            .exitCode())
                    .isNotZero();
        }
    }

    @Test
    @RequiresTools("nbdinfo")
    void eachListenerHasItsOwnRules() throws IOException {
        Path shared = directory.resolve("shared.sock");
        List<String> options = List.of(
                "--nbd=127.0.0.1:0", "--nbd-socket-mode=0640", "--nbd-listen=" + shared + ",read-only,mode=666");
        try (ServerProcess server = ServerProcess.start(directory, List.of(), options)) {
            String volume = server.newVolume("disk", 1);
            assertThat(mode(server.socket())).isEqualTo("rw-r-----");
            assertThat(mode(shared)).isEqualTo("rw-rw-rw-");

            assertThat(readOnly(server.unixUri(volume))).isFalse();
            assertThat(readOnly("nbd+unix:///" + volume + "?socket=" + shared)).isTrue();
        }
        assertThat(shared).doesNotExist();
    }

    @Test
    @RequiresTools({"python3", "nbdinfo"})
    void socketsThatSystemdPassesAreServed() throws IOException {
        Path script = Files.writeString(directory.resolve("activate.py"), ACTIVATE);
        Path activated = directory.resolve("activated.sock");
        List<String> launcher = List.of("/usr/bin/python3", script.toString(), activated.toString());
        try (ServerProcess server = ServerProcess.start(directory, launcher, List.of())) {
            String volume = server.newVolume("disk", 1);
            for (int i = 0; i < 5; i++) {
                assertThat(readOnly(server.tcpUri(volume))).isFalse();
                assertThat(readOnly("nbd+unix:///" + volume + "?socket=" + activated))
                        .isFalse();
            }
        }
        assertThat(activated).as("not ours to remove").exists();
    }

    /** What systemd does for a socket unit, with a TCP and a Unix socket. */
    private static final String ACTIVATE = """
            import os, socket, sys
            tcp = socket.socket()
            tcp.bind(('127.0.0.1', 0))
            unix = socket.socket(socket.AF_UNIX)
            unix.bind(sys.argv[1])
            for number, made in enumerate([tcp, unix]):
                made.listen(64)
                made.setblocking(False)
                os.dup2(os.dup(made.fileno()), 20 + number, inheritable=True)
            tcp.close()
            unix.close()
            for number in range(2):
                os.dup2(20 + number, 3 + number, inheritable=True)
                os.close(20 + number)
            os.environ['LISTEN_FDS'] = '2'
            os.environ['LISTEN_PID'] = str(os.getpid())
            os.execv(sys.argv[2], sys.argv[2:])
            """;

    /** QEMU, told to come back, goes on behind a kill -9 of the server as if nothing had been. */
    @Test
    @RequiresTools({"qemu-img", "qemu-io"})
    void aClientThatComesBackAfterTheServersDeathGoesOn() throws Exception {
        ServerProcess server = ServerProcess.start(directory);
        String volume = server.newVolume("disk", 1);
        Path socket = server.socket();
        Process bench = new ProcessBuilder(
                        "qemu-img",
                        "bench",
                        "-w",
                        "--pattern=90",
                        "-c",
                        "60000",
                        "-d",
                        "16",
                        "-s",
                        "4096",
                        "--flush-interval=64",
                        "--image-opts",
                        "driver=nbd,server.type=unix,server.path=" + socket + ",export=" + volume
                                + ",reconnect-delay=60")
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("bench.out").toFile())
                .start();
        List<ServerProcess> lives = new ArrayList<>(List.of(server));
        try {
            for (int life = 1; life <= 3; life++) {
                ServerProcess alive = lives.get(lives.size() - 1);
                org.awaitility.Awaitility.await()
                        .atMost(PATIENCE)
                        .until(() -> alive.operations(volume, "write") > 2000 || !bench.isAlive());
                alive.kill();
                lives.add(ServerProcess.start(directory));
            }
            assertThat(bench.waitFor(90, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
            assertThat(bench.exitValue())
                    .as(() -> text(directory.resolve("bench.out")))
                    .isZero();
            ServerProcess last = lives.get(lives.size() - 1);
            run("qemu-io", "--format=raw", last.unixUri(volume), "-c", "read -P 90 0 245760000");
        } finally {
            bench.destroyForcibly();
            lives.get(lives.size() - 1).close();
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static boolean readOnly(String uri) {
        return new JsonObject(run("nbdinfo", "--json", uri))
                .getJsonArray("exports")
                .getJsonObject(0)
                .getBoolean("is_read_only");
    }

    private static String mode(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
