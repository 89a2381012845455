package io.varve.nbd;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where a server listens and what it puts up with.
 *
 * @param listeners where it listens; each with its own rules
 * @param tls what listeners that speak TLS need
 * @param limits every bound that clients can run into
 * @param disconnectGrace time that clients get to see ESHUTDOWN and leave before {@link NbdServer#disconnect} closes
 */
public record NbdServerOptions(
        List<Listener> listeners, Optional<TlsSettings> tls, NbdLimits limits, Duration disconnectGrace) {
    /** Listens nowhere yet. */
    public static final NbdServerOptions NOWHERE =
            new NbdServerOptions(List.of(), Optional.empty(), NbdLimits.DEFAULT, Duration.ofMillis(250));

    /** @throws IllegalArgumentException if a listener speaks TLS and there is nothing to do it with */
    public NbdServerOptions {
        listeners = List.copyOf(listeners);
        if (tls.isEmpty()
                && listeners.stream().anyMatch(listener -> listener.access().tls() != TlsMode.OFF)) {
            throw new IllegalArgumentException("TLS needs a certificate and a key");
        }
    }

    /** The same, listening at one more place. TLS is set before it is used. */
    public NbdServerOptions on(Listener listener) {
        List<Listener> more =
                Stream.concat(listeners.stream(), Stream.of(listener)).toList();
        return new NbdServerOptions(more, tls, limits, disconnectGrace);
    }

    /** The same, listening on TCP, in the clear. */
    public NbdServerOptions onTcp(InetSocketAddress address) {
        return on(new Listener(new Listener.Tcp(address), Access.OPEN));
    }

    /** The same, listening on a Unix socket that only the owner can open, in the clear. */
    public NbdServerOptions onUnixSocket(Path path) {
        return on(new Listener(new Listener.Unix(path, Listener.Unix.OWNER_ONLY), Access.OPEN));
    }

    /** The same with TLS for those listeners that speak it. */
    public NbdServerOptions withTls(TlsSettings settings) {
        return new NbdServerOptions(listeners, Optional.of(settings), limits, disconnectGrace);
    }

    /** The same with other limits. */
    public NbdServerOptions withLimits(NbdLimits newLimits) {
        return new NbdServerOptions(listeners, tls, newLimits, disconnectGrace);
    }
}
