package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Web pages are kept out (law 11), on every path, whatever they make the browser send. */
class WebPagesTest {
    @TempDir
    private static Path directory;

    private static RunningServer server;
    private static int port;

    @BeforeAll
    static void start() {
        server = RunningServer.on(directory);
        port = URI.create(server.daemon().apiUri()).getPort();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1", "[::1]", "LocalHost", "localhost:1", "127.0.0.1:9"})
    void theServersOwnNamesAreLetIn(String host) throws IOException {
        assertThat(statusOf("/v1/volumes", "Host: " + host)).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example",
                "evil.example:7080",
                "127.0.0.1.evil.example",
                "localhost.evil.example",
                "10.0.0.1"
            })
    void aNameThatPointsHereIsNotEnough(String host) throws IOException {
        for (String path : new String[] {"/v1/volumes", "/metrics", "/healthz", "/readyz", "/openapi.json", "/no"}) {
            assertThat(statusOf(path, "Host: " + host)).as(path).isEqualTo(403);
        }
    }

    @Test
    void aRequestWithTwoHostsOrNoneIsRefused() throws IOException {
        assertThat(statusOf("/healthz", "Host: localhost\r\nHost: evil.example"))
                .isIn(400, 403);
        assertThat(statusOf("/healthz", "X-Nothing: here")).isIn(400, 403);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Origin: http://evil.example",
                "Origin: null",
                "Origin: http://localhost:3000",
                "Origin: https://localhost:PORT",
                "Sec-Fetch-Site: cross-site"
            })
    void aForeignPageIsRefusedOnEveryPath(String header) throws IOException {
        for (String path : new String[] {"/v1/volumes", "/metrics", "/healthz", "/readyz", "/openapi.json", "/no"}) {
            String headers = "Host: localhost:" + port + "\r\n" + header.replace("PORT", "" + port);
            assertThat(statusOf(path, headers)).as(path).isEqualTo(403);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Origin: http://localhost:PORT", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"})
    void theServersOwnPagesAreLetIn(String header) throws IOException {
        String headers = "Host: localhost:" + port + "\r\n" + header.replace("PORT", "" + port);
        assertThat(statusOf("/v1/volumes", headers)).isEqualTo(200);
    }

    /** Over a plain socket, because HTTP clients do not let one choose the Host. */
    private static int statusOf(String path, String headers) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            String request = "GET " + path + " HTTP/1.1\r\n" + headers + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return Integer.parseInt(answer.split(" ", 3)[1]);
        }
    }
}
