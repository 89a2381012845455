package io.varve.api.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that dribble are closed, however busy they are; those that wait for the server are not. */
@Timeout(60)
class SlowClientsTest {
    /** Longer than the server's loop may stand still for want of a CPU. */
    private static final long PATIENCE_MILLIS = 1000;

    private static final String HEAD = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n";

    private final Vertx vertx = Vertx.vertx();
    private final BlockingQueue<HttpServerRequest> requests = new LinkedBlockingQueue<>();
    private int port;
    private volatile boolean streamed;

    @BeforeEach
    void listen() {
        SlowClients clients = new SlowClients(PATIENCE_MILLIS);
        HttpServerOptions options =
                new HttpServerOptions().setHttp2ClearTextEnabled(false); // as the REST server has it
        HttpServer server = vertx.createHttpServer(options).requestHandler(request -> {
            clients.received(request, streamed);
            requests.add(request);
            if (request.path().equals("/answer-at-once")) {
                request.response().end();
            }
        });
        clients.watch(vertx, server);
        port = server.listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join()
                .actualPort();
    }

    @AfterEach
    void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }

    @Test
    void aHeadThatComesByteByByteIsNotWaitedFor() throws IOException {
        try (Socket slow = connect()) {
            assertThat(dribbleUntilClosed(slow, "GET / HTTP/1.1\r\nX: ")).isTrue();
        }
        assertThat(requests).isEmpty();
    }

    @Test
    void aBodyThatComesByteByByteIsNotWaitedFor() throws IOException {
        try (Socket slow = connect()) {
            assertThat(dribbleUntilClosed(slow, HEAD + "\r\n")).isTrue();
        }
        assertThat(requests).hasSize(1);
    }

    @Test
    void theRestOfARefusedBodyIsNotReadForEver() throws IOException {
        try (Socket slow = connect()) {
            assertThat(dribbleUntilClosed(slow, HEAD.replace("POST /", "POST /answer-at-once") + "\r\n"))
                    .isTrue();
        }
    }

    @Test
    void whoeverWaitsForTheServerIsLeftAlone() throws IOException, InterruptedException {
        try (Socket patient = connect();
                Socket slow = connect()) {
            send(patient, "GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n");
            HttpServerRequest atWork = requests.take();
            assertThat(dribbleUntilClosed(slow, "GET / HTTP/1.1\r\nX: ")).isTrue();

            vertx.runOnContext(now -> atWork.response().end());

            assertThat(new String(patient.getInputStream().readNBytes(15), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void aBodyThatIsStreamedTakesItsTime() throws IOException, InterruptedException {
        streamed = true;
        try (Socket sending = connect();
                Socket slow = connect()) {
            send(sending, HEAD + "\r\n");
            HttpServerRequest received = requests.take();
            assertThat(dribbleUntilClosed(slow, "GET / HTTP/1.1\r\nX: ")).isTrue();

            send(sending, "x".repeat(1_000_000));
            vertx.runOnContext(now -> received.response().end());
            assertThat(new String(sending.getInputStream().readNBytes(15), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 200 OK");
        }
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), port);
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** Sends a byte at a time, far more often than any idle timeout, until the server has closed. */
    private static boolean dribbleUntilClosed(Socket socket, String begin) throws IOException {
        OutputStream out = socket.getOutputStream();
        send(socket, begin);
        socket.setSoTimeout(20);
        while (true) {
            try {
                out.write('x');
                out.flush();
                if (socket.getInputStream().read() < 0) {
                    return true;
                }
            } catch (SocketTimeoutException nothingYet) {
                assertThat(socket.isConnected()).isTrue();
            } catch (IOException closed) {
                return true;
            }
        }
    }
}
