package io.varve.nbd;

import io.varve.engine.Volume;
import java.time.Duration;

/**
 * Every bound that a client can run into, fixed when the server starts.
 *
 * @param connections open connections; one more is closed at once, so that descriptors and handshakes stay bounded
 * @param optionBytes data of one option that is kept in memory; longer data is read past and answered TOO_BIG. An
 *     INFO or GO with the longest name and some hundred information requests fits
 * @param nameBytes an export name, the protocol's bound on strings (proto.md, "Conventions")
 * @param requestBytes payload of one READ or WRITE: what INFO_BLOCK_SIZE announces, and the least that the protocol
 *     wants a server to take (proto.md, "Size constraints")
 * @param discardBytes payload of a refused WRITE that is read past to keep the connection; a longer one is taken for
 *     an attack and closes it
 * @param connectionRequests requests of one connection at work; past it the socket is not read. Linux keeps 128 per
 *     connection, fio and nbdcopy 64
 * @param connectionBytes payload bytes of one connection at work: two of the largest requests
 * @param totalBytes payload bytes and unsent replies of all connections together: bounds direct memory
 * @param guaranteedBytes what a connection may have at work even while the total is used up, so that greedy clients
 *     slow others down but cannot starve them
 * @param outboundBytes replies that wait for a client to read them; past it its socket is not read
 * @param handshake time for everything before the transmission phase
 * @param stall time that a client may stand still in the middle of a message, or leave its replies unread
 */
public record NbdLimits(
        int connections,
        int optionBytes,
        int nameBytes,
        int requestBytes,
        long discardBytes,
        int connectionRequests,
        long connectionBytes,
        long totalBytes,
        long guaranteedBytes,
        int outboundBytes,
        Duration handshake,
        Duration stall) {
    public static final NbdLimits DEFAULT = new NbdLimits(
            4096,
            64 << 10,
            4096,
            Volume.MAX_REQUEST_BYTES,
            64L << 20,
            1024,
            64L << 20,
            256L << 20,
            256L << 10,
            4 << 20,
            Duration.ofSeconds(10),
            Duration.ofSeconds(30));

    /** The same with other times. */
    public NbdLimits withTimes(Duration newHandshake, Duration newStall) {
        return new NbdLimits(
                connections,
                optionBytes,
                nameBytes,
                requestBytes,
                discardBytes,
                connectionRequests,
                connectionBytes,
                totalBytes,
                guaranteedBytes,
                outboundBytes,
                newHandshake,
                newStall);
    }

    /** The same with another bound on what may be at work. */
    public NbdLimits withWork(int newConnectionRequests, long newConnectionBytes, long newTotalBytes) {
        return new NbdLimits(
                connections,
                optionBytes,
                nameBytes,
                requestBytes,
                discardBytes,
                newConnectionRequests,
                newConnectionBytes,
                newTotalBytes,
                guaranteedBytes,
                outboundBytes,
                handshake,
                stall);
    }

    /** The same with another number of connections. */
    public NbdLimits withConnections(int newConnections) {
        return new NbdLimits(
                newConnections,
                optionBytes,
                nameBytes,
                requestBytes,
                discardBytes,
                connectionRequests,
                connectionBytes,
                totalBytes,
                guaranteedBytes,
                outboundBytes,
                handshake,
                stall);
    }
}
