package io.varve.nbd;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What a server counts about itself. Requests are counted by their volumes. Thread-safe. */
public final class NbdCounters {
    final AtomicLong open = new AtomicLong();
    /** TLS handshakes under way. */
    final AtomicInteger tlsHandshakes = new AtomicInteger();

    final LongAdder accepted = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder opened = new LongAdder();
    final LongAdder violations = new LongAdder();
    final LongAdder timeouts = new LongAdder();
    final LongAdder pauses = new LongAdder();
    final LongAdder waits = new LongAdder();
    final LongAdder tlsFailures = new LongAdder();

    private final ConnectionRegistry connections;

    NbdCounters(ConnectionRegistry connections) {
        this.connections = connections;
    }

    /** Connections that are open, in handshake or transmission. */
    public long connectionsOpen() {
        return open.get();
    }

    /** Connections accepted so far. */
    public long connectionsAccepted() {
        return accepted.sum();
    }

    /** Connections closed at once because there were too many. */
    public long connectionsRefused() {
        return refused.sum();
    }

    /** Connections that reached the transmission phase so far. */
    public long exportsOpened() {
        return opened.sum();
    }

    /** Connections closed because the client broke the protocol. */
    public long violations() {
        return violations.sum();
    }

    /** Connections closed because the client stood still. */
    public long timeouts() {
        return timeouts.sum();
    }

    /** TLS handshakes that did not succeed so far. */
    public long tlsFailures() {
        return tlsFailures.sum();
    }

    /** How often a socket was left unread because of the work already at hand. */
    public long pauses() {
        return pauses.sum();
    }

    /** How often a request waited for the memory that all connections share. */
    public long waits() {
        return waits.sum();
    }

    /**
     * Memory of all connections in the transmission phase, as of each one's last turn: what was received, requests at
     * work, those of clients that went away meanwhile too, and unsent replies.
     */
    public long bytesInFlight() {
        return connections.bytes();
    }
}
