package io.varve.api.rest;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Closes connections whose clients take too long over a request: one that sends a byte now and then is never idle, and
 * would keep its place among the connections for ever. The client's turns are the head of a request, its body, and what
 * is left of the body once it is answered; while the server is at work nothing runs out. On the server's loop.
 */
final class SlowClients {
    private final long patienceNanos;
    private final Map<HttpConnection, Turn> turns = new HashMap<>();

    /** Whose turn it is on one connection, and since when. */
    private static final class Turn {
        private boolean ofClient;
        private long since = System.nanoTime();
        private boolean answered;

        Turn(boolean ofClient) {
            this.ofClient = ofClient;
        }

        /** The body is there. What was answered before waits for the next request already. */
        void received() {
            ofClient = answered;
        }

        void answered() {
            answered = true;
            ofClient = true;
            since = System.nanoTime();
        }
    }

    /** @param patienceMillis how long one turn of a client may take */
    SlowClients(long patienceMillis) {
        patienceNanos = TimeUnit.MILLISECONDS.toNanos(patienceMillis);
    }

    /** Watches all connections of a server that does not listen yet. */
    void watch(Vertx vertx, HttpServer server) {
        server.connectionHandler(connection -> {
            turns.put(connection, new Turn(true));
            connection.closeHandler(closed -> turns.remove(connection));
        });
        vertx.setPeriodic(Math.max(1, TimeUnit.NANOSECONDS.toMillis(patienceNanos) / 10), timer -> closeThoseOverdue());
    }

    /**
     * The head of a request is there. Its response must have no end handler of its own.
     *
     * @param streamed true if the body may take as long as it likes
     */
    void received(HttpServerRequest request, boolean streamed) {
        Turn turn = new Turn(!streamed);
        turns.replace(request.connection(), turn);
        request.end().onSuccess(whole -> turn.received());
        request.response().endHandler(end -> turn.answered());
    }

    private void closeThoseOverdue() {
        long now = System.nanoTime();
        List<HttpConnection> overdue = turns.entrySet().stream()
                .filter(entry -> entry.getValue().ofClient && now - entry.getValue().since > patienceNanos)
                .map(Map.Entry::getKey)
                .toList();
        // At once: an orderly close waits until the client has taken what it was answered, which it may never do.
        overdue.forEach(connection -> ((ConnectionBase) connection).channel().close());
    }
}
