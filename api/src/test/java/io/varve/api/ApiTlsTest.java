package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.api.rest.Probe;
import io.varve.nbd.TlsSettings;
import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The API over TLS. */
@Timeout(60)
@RequiresTools("openssl")
class ApiTlsTest {
    @TempDir
    private Path directory;

    private Certificates authority;
    private TlsClient client;
    private RunningServer server;

    @BeforeEach
    void makeCertificates() {
        authority = Certificates.create(directory.resolve("ca"))
                .server("ec", "DNS:localhost,DNS:varve.example,DNS:*.pool.example,IP:127.0.0.1,IP:10.9.8.7,IP:fd00::7");
        client = TlsClient.trusting(authority.authority());
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void theServerSaysHttpsAndServes() {
        start(Optional.empty());

        assertThat(server.daemon().apiUri()).isEqualTo("https://127.0.0.1:" + server.apiPort());
        assertThat(new Probe(server.daemon().apiUri(), client.http())
                        .get("/v1/volumes")
                        .status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void bothVersionsAreSpoken(String version) throws IOException {
        start(Optional.empty());

        try (SSLSocket socket = client.connect(server.apiPort(), version)) {
            assertThat(socket.getSession().getProtocol()).isEqualTo(version);
            assertThat(socket.getApplicationProtocol())
                    .as("HTTP/1.1 without asking")
                    .isEmpty();
        }
    }

    @Test
    void aClientInTheClearIsToldNothing() throws IOException {
        start(Optional.empty());

        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.apiPort())) {
            socket.getOutputStream()
                    .write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .doesNotContain("HTTP")
                    .doesNotContain("ok");
        }
    }

    @Test
    void whoeverShowsNoCertificateOfTheAuthorityIsTurnedAway() throws IOException {
        start(Optional.of(authority.authority()));
        Certificates other = Certificates.create(directory.resolve("other"));
        TlsClient friend = TlsClient.showing(authority.client("friend"), authority.authority());
        TlsClient stranger = TlsClient.showing(other.client("stranger"), authority.authority());

        assertThat(friend.status(server.apiPort(), "/healthz", "Host: localhost"))
                .isEqualTo(200);
        for (TlsClient refused : new TlsClient[] {stranger, client}) {
            // With TLS 1.3 a client learns of it when it reads.
            assertThatThrownBy(() -> refused.status(server.apiPort(), "/healthz", "Host: localhost"))
                    .isInstanceOfAny(SSLException.class, SocketException.class);
        }
    }

    @Test
    void renewedCertificatesAreUsedWithoutARestart() throws IOException {
        start(Optional.empty());
        try (SSLSocket old = client.connect(server.apiPort())) {
            Certificate before = shown(old);
            authority.server("rsa", "DNS:localhost,DNS:new.example");
            Awaitility.await().until(() -> !shown().equals(before));
            Certificate renewed = shown();
            assertThat(client.status(server.apiPort(), "/healthz", "Host: new.example"))
                    .isEqualTo(200);
            assertThat(client.status(server.apiPort(), "/healthz", "Host: varve.example"))
                    .isEqualTo(403);

            Files.writeString(authority.serverCertificate(), "nonsense");
            authority.client("takes a moment");
            assertThat(shown()).isEqualTo(renewed);
            old.getOutputStream()
                    .write("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(old.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                    .startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void theNamesOfTheCertificateAreTheServersAndNoOthers() throws IOException {
        start(Optional.empty());
        int port = server.apiPort();

        for (String host : List.of(
                "localhost",
                "127.0.0.1:" + port,
                "varve.example",
                "VARVE.example:" + port,
                "a.pool.example",
                "10.9.8.7",
                "[fd00::7]:" + port,
                "[fd00:0:0::7]")) {
            String headers = "Host: " + host + "\r\nOrigin: https://" + host;
            assertThat(client.status(port, "/v1/volumes", headers)).as(host).isEqualTo(200);
        }
        for (String host : List.of(
                "evil.example",
                "pool.example",
                "a.b.pool.example",
                "*.pool.example.evil",
                "server",
                "10.9.8.6",
                "[fd00::8]")) {
            assertThat(client.status(port, "/v1/volumes", "Host: " + host))
                    .as(host)
                    .isEqualTo(403);
        }
    }

    @Test
    void foreignPagesAreRefusedOnEveryPath() throws IOException {
        start(Optional.empty());

        for (String header : List.of(
                "Origin: http://localhost", // an http page is not of this server
                "Origin: https://evil.example",
                "Origin: null",
                "Sec-Fetch-Site: cross-site")) {
            for (String path : List.of("/v1/volumes", "/healthz", "/")) {
                assertThat(client.status(server.apiPort(), path, "Host: localhost\r\n" + header))
                        .as(header + " " + path)
                        .isEqualTo(403);
            }
        }
    }

    @Test
    @Tag("slow")
    void aClientThatFallsSilentInTheHandshakeIsClosed() throws IOException {
        start(Optional.empty());

        try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), server.apiPort());
                Socket halfway = new Socket(InetAddress.getLoopbackAddress(), server.apiPort())) {
            halfway.getOutputStream().write(new byte[] {22, 3, 1, 1, 0, 1}); // the beginning of a ClientHello
            assertThat(silent.getInputStream().read()).isEqualTo(-1);
            assertThat(halfway.getInputStream().readAllBytes()).isNotNull();
        }
    }

    @Test
    void filesThatMakeNoSenseStopTheStartAndNothingListens() throws IOException {
        Files.writeString(authority.serverKey(), "nonsense");

        assertThatThrownBy(() -> start(Optional.empty()))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("TLS of the API cannot be set up")
                .hasMessageContaining("server-key.pem");
        assertThat(directory.resolve("nbd.sock")).doesNotExist();
    }

    private void start(Optional<Path> clientAuthorities) {
        server = RunningServer.withTls(
                directory,
                new TlsSettings(
                        authority.serverCertificate(), authority.serverKey(), clientAuthorities, Optional.empty()));
    }

    private Certificate shown() throws IOException {
        try (SSLSocket socket = client.connect(server.apiPort())) {
            return shown(socket);
        }
    }

    private static Certificate shown(SSLSocket socket) throws IOException {
        return socket.getSession().getPeerCertificates()[0];
    }
}
