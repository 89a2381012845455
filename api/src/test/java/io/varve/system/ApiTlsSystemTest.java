package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose API speaks TLS, and one that systemd would have listen where it must not. */
class ApiTlsSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    Path directory;

    @Test
    @RequiresTools({"openssl", "curl"})
    void theDaemonSaysHttpsAndServesIt() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        List<String> options = List.of(
                "--nbd=127.0.0.1:0",
                "--api-tls-cert=" + authority.serverCertificate(),
                "--api-tls-key=" + authority.serverKey());
        try (ServerProcess server = ServerProcess.start(directory, List.of(), options)) {
            assertThat(server.api().uri()).startsWith("https://127.0.0.1:");
            assertThat(Tools.run(
                                    PATIENCE,
                                    "curl",
                                    "-sS",
                                    "--cacert",
                                    authority.authority().toString(),
                                    server.api().uri() + "/v1/volumes")
                            .succeeded()
                            .output())
                    .contains("\"default\"");
        }
    }

    @Test
    @Tag("slow")
    @RequiresTools("python3")
    void aSocketOfSystemdBeyondLoopbackIsRefusedWithoutTls() throws IOException {
        for (String listen : List.of(
                "socket.socket(); made.bind(('0.0.0.0', 0))",
                "socket.socket(socket.AF_INET6); made.bind(('::', 0))",
                "socket.socket(socket.AF_INET6); made.bind(('::ffff:0.0.0.0', 0))")) {
            Path script = Files.writeString(directory.resolve("activate.py"), ACTIVATE.formatted(listen));
            List<String> launcher = List.of("/usr/bin/python3", script.toString());

            assertThatThrownBy(() -> ServerProcess.start(directory, launcher, List.of()))
                    .as(listen)
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("null"); // it ended without a ready line
            assertThat(directory.resolve("nbd.sock")).doesNotExist();
        }
        Path loopback = Files.writeString(
                directory.resolve("activate.py"), ACTIVATE.formatted("socket.socket(); made.bind(('127.0.0.1', 0))"));
        try (ServerProcess server =
                ServerProcess.start(directory, List.of("/usr/bin/python3", loopback.toString()), List.of())) {
            assertThat(server.nbdPort()).isPositive();
        }
    }

    /** What systemd does for a socket unit. */
    private static final String ACTIVATE = """
            import os, socket, sys
            made = %s
            made.listen(64)
            made.setblocking(False)
            os.dup2(made.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ['LISTEN_PID'] = str(os.getpid())
            os.environ['LISTEN_FDS'] = '1'
            os.execv(sys.argv[1], sys.argv[1:])
            """;
}
