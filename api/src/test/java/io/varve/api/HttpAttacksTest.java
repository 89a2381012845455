package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that no client would send. */
@Timeout(60)
class HttpAttacksTest {
    private static final int MOST_CONNECTIONS = 512;
    private static final long STUCK_MILLIS = 2000;
    private static final long MOST_SENT_BYTES = 64 << 20;

    @TempDir
    private static Path directory;

    private static RunningServer server;

    @BeforeAll
    static void start() {
        server = RunningServer.on(directory);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    /** Where two servers could disagree about where a request ends (RFC 9112, section 11.2). */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Length: 2^Transfer-Encoding: chunked^^0^^",
                "Content-Length: 2^Content-Length: 3^^{}",
                "Content-Length: 2, 2^^{}",
                "Content-Length: +2^^{}",
                "Content-Length: -2^^{}",
                "Content-Length : 2^^{}",
                "Content-Length:^ 2^^{}",
                "Transfer-Encoding: chunked, identity^^2^{}^0^^",
                "Transfer-Encoding: xchunked^^2^{}^0^^",
                "Transfer-Encoding: chunked^^0x2^{}^0^^",
                "Transfer-Encoding: chunked^^-2^{}^0^^",
                "Transfer-Encoding: chunked^^FFFFFFFFFFFFFFFFF^{}^0^^",
                "Transfer-Encoding: chunked^^2^{}XX0^^"
            })
    void aRequestWhoseEndCanBeDoubtedIsRefusedAndNothingBehindItIsTaken(String rest) throws IOException {
        String answer = exchange("POST /v1/volumes HTTP/1.1^Host: localhost^Content-Type: application/json^" + rest
                + "GET /healthz HTTP/1.1^Host: localhost^^");

        assertThat(answer).startsWith("HTTP/1.1 400");
        assertThat(answer).doesNotContain("200 OK");
    }

    @ParameterizedTest
    @CsvSource({
        "GET http://evil.example/v1/volumes, localhost, 403",
        "GET http://localhost/v1/volumes, evil.example, 403",
        "GET http://localhost/v1/volumes, localhost, 200",
        "GET /v1/volumes?filter=%zz, localhost, 400",
        "GET /v1/volumes?%zz=1, localhost, 400",
        "GET /v1/volumes/%zz, localhost, 400",
        "GET /v1/volumes/%00, localhost, 400",
        "GET /v1/volumes, localhost:abc, 400",
        "GET /v1/volumes, evil@localhost, 400",
        "CONNECT localhost:22, localhost, 404",
        "TRACE /v1/volumes, localhost, 405"
    })
    void aTargetThatMakesNoSenseIsRefused(String line, String host, int status) throws IOException {
        String answer = exchange(line + " HTTP/1.1^Host: " + host + "^Connection: close^^");

        assertThat(answer).startsWith("HTTP/1.1 " + status);
    }

    @Test
    void whatIsTooLongIsRefused() throws IOException {
        String longText = "a".repeat(20_000);

        assertThat(exchange("GET /" + longText + " HTTP/1.1^Host: localhost^^")).contains(" 414 ");
        assertThat(exchange("GET /healthz HTTP/1.1^Host: localhost^X: " + longText + "^^"))
                .contains(" 431 ");
        assertThat(exchange("POST /v1/volumes HTTP/1.1^Host: localhost^Content-Type: application/json"
                        + "^Connection: close^Content-Length: 200000^^" + "[".repeat(200_000)))
                .contains(" 400 ")
                .contains("nesting");
    }

    @Test
    void noOtherProtocolIsSpoken() throws IOException {
        assertThat(exchange("PRI * HTTP/2.0^^SM^^")).contains(" 501 ");
        assertThat(exchange("GET /healthz HTTP/1.1^Host: localhost^Connection: Upgrade, HTTP2-Settings^Upgrade: h2c"
                        + "^HTTP2-Settings: AAMAAABkAAQAAP__^^"
                        + "GET /healthz HTTP/1.1^Host: localhost^Connection: close^^"))
                .startsWith("HTTP/1.1 200");
    }

    /** Its answers are not collected: what it sends is read no more. */
    @Test
    void aClientThatAsksAndNeverReadsIsNotAnsweredForEver() throws IOException {
        ByteBuffer many =
                StandardCharsets.US_ASCII.encode("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000));
        try (SocketChannel greedy =
                        SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.apiPort()));
                Selector writable = Selector.open()) {
            greedy.configureBlocking(false);
            greedy.register(writable, SelectionKey.OP_WRITE);
            assertThat(sendUntilStuckOrClosed(greedy, writable, many))
                    .as("bytes, of which the kernel's buffers hold some")
                    .isLessThan(MOST_SENT_BYTES);
            assertThat(exchange("GET /healthz HTTP/1.1^Host: localhost^Connection: close^^"))
                    .startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void oneConnectionTooManyIsClosedAtOnce() throws IOException {
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < MOST_CONNECTIONS; i++) {
                open.add(connect());
            }
            try (Socket last = connect()) {
                assertThat(last.getInputStream().read()).isEqualTo(-1);
            }
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
        Awaitility.await()
                .ignoreExceptions()
                .until(() -> exchange("GET /healthz HTTP/1.1^Host: localhost^Connection: close^^")
                        .startsWith("HTTP/1.1 200"));
    }

    private static long sendUntilStuckOrClosed(SocketChannel channel, Selector writable, ByteBuffer bytes)
            throws IOException {
        long sent = 0;
        while (sent < MOST_SENT_BYTES && writable.select(STUCK_MILLIS) > 0) {
            writable.selectedKeys().clear();
            try {
                sent += channel.write(bytes);
            } catch (IOException closed) {
                break;
            }
            if (!bytes.hasRemaining()) {
                bytes.rewind();
            }
        }
        return sent;
    }

    private static Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), server.apiPort());
    }

    /** All that the server says until it closes. */
    private static String exchange(String request) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request.replace("^", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
