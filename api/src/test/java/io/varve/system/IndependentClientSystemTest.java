package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A second reading of the document: a client in Python, written from proto.md alone, that shares no code with the
 * server and holds it to every MUST about replies. It speaks extended headers, which none of the clients that others
 * wrote does in the versions at hand, and sends what those refuse to send.
 */
@RequiresTools("python3")
class IndependentClientSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    static Path directory;

    private static ServerProcess server;

    @BeforeAll
    static void start() {
        server = ServerProcess.start(directory);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void randomRequestsManyInFlightReadBackAsWritten(int seed) {
        scenario("requests", server.newVolume("random-" + seed, 8), String.valueOf(seed));
    }

    @Test
    void lengthsOfSixtyFourBitsTakeEffect() {
        scenario("long_lengths", server.newVolume("long", 16 << 10));
    }

    @Test
    void aPayloadSaysWhichContextsAreAnswered() throws Exception {
        String volume = server.newVolume("filtered", 1);
        write(volume, 0);
        String snapshot = server.newSnapshot(volume);
        write(volume, 1 << 20);

        scenario("filters", volume, snapshot);
    }

    @Test
    void requestsThatTheDocumentForbidsAreRefused() {
        String volume = server.newVolume("wronged", 1);

        scenario("request_errors", volume, server.newSnapshot(volume));
    }

    @Test
    void optionsThatTheDocumentForbidsAreRefused() {
        scenario("option_errors", server.newVolume("negotiated", 1));
    }

    @Test
    @RequiresTools("openssl")
    void tlsForgetsWhatWasAgreedOnInTheClear(@TempDir Path other) {
        Certificates authority = Certificates.create(other.resolve("ca")).server("ec");
        List<String> options = List.of(
                "--nbd=127.0.0.1:0",
                "--nbd-tls-cert=" + authority.serverCertificate(),
                "--nbd-tls-key=" + authority.serverKey(),
                "--nbd-tls-client-ca=" + authority.authority());
        try (ServerProcess secured = ServerProcess.start(other, List.of(), options)) {
            String address = "127.0.0.1:" + secured.nbdPort();
            String client = authority.client("somebody").toString();

            run("tls", address, secured.newVolume("secret", 1), client);
        }
    }

    private static void write(String volume, long offset) throws Exception {
        try (NbdClient client = NbdClient.connect(server.socket(), volume)) {
            client.write(1, offset, ByteBuffer.allocateDirect(65536).put(0, (byte) 1));
            client.receiveCookie();
        }
    }

    private static void scenario(String name, String... arguments) {
        String[] all = new String[arguments.length + 1];
        all[0] = server.socket().toString();
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        run(name, all);
    }

    private static void run(String name, String... arguments) {
        String[] command = new String[arguments.length + 4];
        command[0] = "python3";
        command[1] = "-B"; // which leaves no compiled files beside the script
        command[2] = script().toString();
        command[3] = name;
        System.arraycopy(arguments, 0, command, 4, arguments.length);
        assertThat(Tools.run(PATIENCE, command).succeeded().output()).isEqualToIgnoringNewLines(name + " ended well");
    }

    private static Path script() {
        try {
            return Path.of(Objects.requireNonNull(IndependentClientSystemTest.class.getResource("nbd/scenarios.py"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
