package io.varve.nbd;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where a server listens and what it puts up with.
 *
 * @param tcp the TCP address; port 0 for any free one; empty for no TCP
 * @param unixSocket the path of the Unix socket; empty for none. The socket can be opened by its owner only
 * @param limits every bound that clients can run into
 * @param disconnectGrace time that clients get to see ESHUTDOWN and leave before {@link NbdServer#disconnect} closes
 */
public record NbdServerOptions(
        Optional<InetSocketAddress> tcp, Optional<Path> unixSocket, NbdLimits limits, Duration disconnectGrace) {
    /** Listens nowhere yet. */
    public static final NbdServerOptions NOWHERE =
            new NbdServerOptions(Optional.empty(), Optional.empty(), NbdLimits.DEFAULT, Duration.ofMillis(250));

    /** The same, listening on TCP. */
    public NbdServerOptions onTcp(InetSocketAddress address) {
        return new NbdServerOptions(Optional.of(address), unixSocket, limits, disconnectGrace);
    }

    /** The same, listening on a Unix socket. */
    public NbdServerOptions onUnixSocket(Path path) {
        return new NbdServerOptions(tcp, Optional.of(path), limits, disconnectGrace);
    }

    /** The same with other limits. */
    public NbdServerOptions withLimits(NbdLimits newLimits) {
        return new NbdServerOptions(tcp, unixSocket, newLimits, disconnectGrace);
    }
}
