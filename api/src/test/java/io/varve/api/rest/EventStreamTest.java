package io.varve.api.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.control.Events;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of a listener that does not read. */
class EventStreamTest {
    private static final int BURST = 32;

    private final Vertx vertx = Vertx.vertx();
    private final Events events = new Events(Clock.systemUTC());
    private volatile Context loop = vertx.getOrCreateContext();
    private int port;

    @BeforeEach
    void listen() {
        EventStream stream = new EventStream(vertx, events, "life");
        HttpServer server = vertx.createHttpServer().requestHandler(request -> {
            loop = vertx.getOrCreateContext();
            stream.open(request);
        });
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
    @Timeout(60)
    void itIsCutOffInsteadOfKeepingEverythingForIt() throws IOException {
        String longId = "x".repeat(10_000);
        try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), port)) {
            silent.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            silent.getInputStream().readNBytes(1); // it listens by now
            while (events.listeners() > 0) {
                for (int i = 0; i < BURST; i++) {
                    events.publish("volume", longId, "available");
                }
                aTurnOfTheLoop();
            }
            assertThat(events.last()).as("events until then").isPositive();
        }
    }

    private void aTurnOfTheLoop() {
        CompletableFuture<Void> turn = new CompletableFuture<>();
        loop.runOnContext(now -> turn.complete(null));
        turn.join();
    }
}
