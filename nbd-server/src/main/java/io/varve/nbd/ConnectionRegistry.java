package io.varve.nbd;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The connections of a server, so that they can be closed from outside. Thread-safe: whoever is added while the server
 * shuts down is told so.
 */
final class ConnectionRegistry {
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final Set<HandshakeHandler> handshakes = ConcurrentHashMap.newKeySet();
    private volatile boolean shuttingDown;

    void add(Connection connection) {
        connections.add(connection);
        if (shuttingDown) {
            connection.drain(0);
        }
    }

    void remove(Connection connection) {
        connections.remove(connection);
    }

    void add(HandshakeHandler handshake) {
        handshakes.add(handshake);
        if (shuttingDown) {
            handshake.shutDown();
        }
    }

    void remove(HandshakeHandler handshake) {
        handshakes.remove(handshake);
    }

    boolean shuttingDown() {
        return shuttingDown;
    }

    /** How many connections in the transmission phase use a volume or snapshot. */
    int count(String id) {
        return (int)
                connections.stream().filter(connection -> connection.uses(id)).count();
    }

    /** The memory of all connections in the transmission phase. */
    long bytes() {
        return connections.stream().mapToLong(Connection::bytes).sum();
    }

    /**
     * Drains the connections that use a volume or snapshot; the future completes when all have released their volume.
     */
    CompletableFuture<Void> disconnect(String id, long graceNanos) {
        List<CompletableFuture<Void>> closed = new ArrayList<>();
        for (Connection connection : connections) {
            if (connection.uses(id)) {
                connection.drain(graceNanos);
                closed.add(connection.closed());
            }
        }
        return CompletableFuture.allOf(closed.toArray(CompletableFuture[]::new));
    }

    /** Ends handshakes, and connections after what they have at work; none gets past here afterwards. */
    CompletableFuture<Void> shutDown() {
        shuttingDown = true;
        handshakes.forEach(HandshakeHandler::shutDown);
        List<CompletableFuture<Void>> closed = new ArrayList<>();
        for (Connection connection : connections) {
            connection.drain(0);
            closed.add(connection.closed());
        }
        return CompletableFuture.allOf(closed.toArray(CompletableFuture[]::new));
    }

    /** Closes all that is still open. */
    void closeNow() {
        connections.forEach(Connection::closeNow);
    }
}
