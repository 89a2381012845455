package io.varve.nbd;

import io.varve.engine.Volume;
import java.time.Duration;

/**
 * Every bound that a client can run into, fixed when the server starts.
 *
 * @param connections open connections, and closed ones whose requests are still at work; one more is closed at once, so
 *     that descriptors, handshakes and memory stay bounded
 * @param negotiation the bounds of the handshake
 * @param requestBytes payload of one READ or WRITE: what INFO_BLOCK_SIZE announces, and the least that the protocol
 *     wants a server to take (proto.md, "Size constraints")
 * @param discardBytes payload of a refused WRITE that is read past to keep the connection; a longer one is taken for
 *     an attack and closes it
 * @param connectionRequests requests of one connection at work; past it the socket is not read. Linux keeps 128 per
 *     connection, fio and nbdcopy 64
 * @param connectionBytes bytes of one connection's requests at work: two of the largest; a larger one goes in alone
 * @param totalBytes memory of all connections together beyond what each is guaranteed; whoever wants more waits his
 *     turn. A request larger than it goes in alone
 * @param guaranteedBytes what a connection may hold even while the total is used up, half of it received and half at
 *     work, so that greedy clients slow others down but cannot starve them. Connections times this, and the total,
 *     bound the direct memory
 * @param outboundBytes replies that wait for a client to read them; past it its socket is not read
 * @param statusExtents extents that one context answers to one BLOCK_STATUS; the client asks again behind them. The
 *     protocol wants no more than 2^20
 * @param prefetchBytes what one CACHE reads at most, whatever its length
 * @param patience how long is waited for clients
 */
public record NbdLimits(
        int connections,
        Negotiation negotiation,
        int requestBytes,
        long discardBytes,
        int connectionRequests,
        long connectionBytes,
        long totalBytes,
        long guaranteedBytes,
        int outboundBytes,
        int statusExtents,
        long prefetchBytes,
        Patience patience) {
    /** Half of it is one small read of the socket, the other half for what such a read brings. */
    private static final long LEAST_GUARANTEED_BYTES = 2 * PayloadReceiver.MIN_BYTES;

    public static final NbdLimits DEFAULT = new NbdLimits(
            4096,
            Negotiation.DEFAULT,
            Volume.MAX_REQUEST_BYTES,
            64L << 20,
            1024,
            64L << 20,
            256L << 20,
            256L << 10,
            4 << 20,
            16 << 10,
            64L << 20,
            Patience.DEFAULT);

    /**
     * How long is waited for clients. Whoever has nothing to say and nothing to be told may stay for ever.
     *
     * @param stall time in which nothing moves, in either direction, in the middle of a message or while replies are
     *     unread; then the connection is closed. No link is as slow as that
     * @param pressed the same for a connection that holds memory which others wait for: a client that asks for the
     *     largest replies and does not take them would keep it for the whole stall. Longer than what a kernel's socket
     *     buffer hides of a slow client
     * @param pressedBytes what such a client has to move in that time, if it has so much to move: less would give the
     *     memory back too late. It is 100 KiB/s
     * @param farewell time to take the last replies and to hang up, when the server ends a connection
     */
    public record Patience(Duration stall, Duration pressed, long pressedBytes, Duration farewell) {
        public static final Patience DEFAULT =
                new Patience(Duration.ofSeconds(30), Duration.ofSeconds(10), 1 << 20, Duration.ofSeconds(5));
    }

    /**
     * The bounds of the handshake.
     *
     * @param options options of one client; one more closes, so that nobody is answered for ever. Real clients send a
     *     dozen; one that asks about every export with INFO a few for each
     * @param optionBytes data of one option that is kept in memory; longer data is read past and answered TOO_BIG. An
     *     INFO or GO with the longest name and some hundred information requests fits
     * @param answerBytes the longest answer, to LIST or LIST_META_CONTEXT, for which it waits its turn in the total; a
     *     longer one is answered TOO_BIG
     * @param outboundBytes answers that wait for a client to read them; past it no further option is looked at
     * @param nameBytes an export name or a query, the protocol's bound on strings (proto.md, "Conventions")
     * @param listedExports exports that LIST names; with more it is answered TOO_BIG. libnbd's own programs stop there
     * @param metaQueries queries in one LIST_META_CONTEXT or SET_META_CONTEXT
     * @param metaContexts contexts that one client may select: each is asked by every BLOCK_STATUS
     * @param tlsHandshakes handshakes of TLS at once, before anybody has shown who he is: each keeps buffers and keys
     *     on the heap. One more is refused and may be tried again
     * @param duration time for everything before the transmission phase
     */
    public record Negotiation(
            int options,
            int optionBytes,
            int answerBytes,
            int outboundBytes,
            int nameBytes,
            int listedExports,
            int metaQueries,
            int metaContexts,
            int tlsHandshakes,
            Duration duration) {
        public static final Negotiation DEFAULT = new Negotiation(
                64 << 10, 8 << 10, 4 << 20, 4 << 10, 4096, 10_000, 128, 16, 256, Duration.ofSeconds(10));

        /** The same with another number of TLS handshakes. */
        Negotiation withTlsHandshakes(int newTlsHandshakes) {
            return new Negotiation(
                    options,
                    optionBytes,
                    answerBytes,
                    outboundBytes,
                    nameBytes,
                    listedExports,
                    metaQueries,
                    metaContexts,
                    newTlsHandshakes,
                    duration);
        }

        /** The same with other bounds on answers. */
        Negotiation withAnswers(int newAnswerBytes, int newOutboundBytes) {
            return new Negotiation(
                    options,
                    optionBytes,
                    newAnswerBytes,
                    newOutboundBytes,
                    nameBytes,
                    listedExports,
                    metaQueries,
                    metaContexts,
                    tlsHandshakes,
                    duration);
        }

        /** The same with another number of options and of exports listed. */
        public Negotiation withCounts(int newOptions, int newListedExports) {
            return new Negotiation(
                    newOptions,
                    optionBytes,
                    answerBytes,
                    outboundBytes,
                    nameBytes,
                    newListedExports,
                    metaQueries,
                    metaContexts,
                    tlsHandshakes,
                    duration);
        }
    }

    /** The same with other times. */
    public NbdLimits withTimes(Duration newHandshake, Duration newStall) {
        Negotiation timed = new Negotiation(
                negotiation.options,
                negotiation.optionBytes,
                negotiation.answerBytes,
                negotiation.outboundBytes,
                negotiation.nameBytes,
                negotiation.listedExports,
                negotiation.metaQueries,
                negotiation.metaContexts,
                negotiation.tlsHandshakes,
                newHandshake);
        Duration pressed = newStall.compareTo(patience.pressed) < 0 ? newStall : patience.pressed;
        Patience newPatience = new Patience(newStall, pressed, patience.pressedBytes, patience.farewell);
        return with(connections, timed, connectionRequests, connectionBytes, totalBytes, newPatience);
    }

    /** The same with another bound on what may be at work. */
    public NbdLimits withWork(int newConnectionRequests, long newConnectionBytes, long newTotalBytes) {
        return with(connections, negotiation, newConnectionRequests, newConnectionBytes, newTotalBytes, patience);
    }

    /** The same with other patience. */
    public NbdLimits withPatience(Patience newPatience) {
        return with(connections, negotiation, connectionRequests, connectionBytes, totalBytes, newPatience);
    }

    /**
     * The same within {@code bytes} of memory outside of the heap: half of it is the total, a quarter is what
     * connections are guaranteed, and a quarter is for what the buffer pool keeps around them. Connections that nothing
     * could be guaranteed to are not taken.
     */
    public NbdLimits within(long bytes) {
        int served = (int) Math.max(1, Math.min(connections, bytes / 4 / LEAST_GUARANTEED_BYTES));
        long each = Math.max(LEAST_GUARANTEED_BYTES, Math.min(guaranteedBytes, bytes / 4 / served));
        return new NbdLimits(
                served,
                negotiation,
                requestBytes,
                discardBytes,
                connectionRequests,
                Math.min(connectionBytes, bytes / 4),
                Math.min(totalBytes, bytes / 2),
                each,
                outboundBytes,
                statusExtents,
                prefetchBytes,
                patience);
    }

    /** The same with another number of connections. */
    public NbdLimits withConnections(int newConnections) {
        return with(newConnections, negotiation, connectionRequests, connectionBytes, totalBytes, patience);
    }

    /** The same with another number of extents in an answer. */
    NbdLimits withStatusExtents(int newStatusExtents) {
        return new NbdLimits(
                connections,
                negotiation,
                requestBytes,
                discardBytes,
                connectionRequests,
                connectionBytes,
                totalBytes,
                guaranteedBytes,
                outboundBytes,
                newStatusExtents,
                prefetchBytes,
                patience);
    }

    /** The same with other bounds of the handshake. */
    public NbdLimits withNegotiation(Negotiation newNegotiation) {
        return with(connections, newNegotiation, connectionRequests, connectionBytes, totalBytes, patience);
    }

    private NbdLimits with(
            int newConnections,
            Negotiation newNegotiation,
            int newConnectionRequests,
            long newConnectionBytes,
            long newTotalBytes,
            Patience newPatience) {
        return new NbdLimits(
                newConnections,
                newNegotiation,
                requestBytes,
                discardBytes,
                newConnectionRequests,
                newConnectionBytes,
                newTotalBytes,
                guaranteedBytes,
                outboundBytes,
                statusExtents,
                prefetchBytes,
                newPatience);
    }
}
