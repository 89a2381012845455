package io.varve.api;

import io.varve.nbd.Access;
import io.varve.nbd.Listener;
import io.varve.nbd.NbdServerOptions;
import io.varve.nbd.TlsMode;
import io.varve.nbd.TlsSettings;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How the daemon speaks NBD.
 *
 * @param tcp where it listens on TCP; empty where it was started with sockets that listen already
 * @param socket where it listens on a Unix socket; empty for none
 * @param socketMode who may open that socket
 * @param tls whether TLS is spoken on TCP
 * @param tlsFiles certificates, key and rules; empty for no TLS
 * @param more further places, each with its own rules
 * @param inherited descriptors of sockets that listen already
 */
record NbdSettings(
        Optional<ListenAddress> tcp,
        Optional<Path> socket,
        Set<PosixFilePermission> socketMode,
        TlsMode tls,
        Optional<TlsSettings> tlsFiles,
        List<Place> more,
        List<Integer> inherited) {
    /**
     * One more place to listen.
     *
     * @param written as the operator wrote it
     * @param tcp the address, or empty for a Unix socket
     * @param socket the path, or empty for TCP
     */
    record Place(
            String written,
            Optional<ListenAddress> tcp,
            Optional<Path> socket,
            Set<PosixFilePermission> socketMode,
            Access access) {}

    /** In the clear on one TCP address and perhaps a Unix socket. */
    static NbdSettings plain(ListenAddress tcp, Optional<Path> socket) {
        return new NbdSettings(
                Optional.of(tcp),
                socket,
                Listener.Unix.OWNER_ONLY,
                TlsMode.OFF,
                Optional.empty(),
                List.of(),
                List.of());
    }

    /**
     * What the server is told.
     *
     * @param insecure listen beyond loopback in the clear, or to clients that nobody vouches for
     * @throws StartException for an address that makes no sense, or that is refused
     */
    NbdServerOptions options(boolean insecure) {
        NbdServerOptions options = NbdServerOptions.NOWHERE;
        if (tlsFiles.isPresent()) {
            options = options.withTls(tlsFiles.get());
        }
        Access access = new Access(tls, false);
        if (tcp.isPresent()) {
            options = options.on(tcp("--nbd", tcp.get(), access, insecure));
        }
        for (int descriptor : inherited) {
            options = options.on(new Listener(new Listener.Inherited(descriptor, mayLeave(access, insecure)), access));
        }
        if (socket.isPresent()) {
            options = options.on(new Listener(new Listener.Unix(socket.get(), socketMode), Access.OPEN));
        }
        for (Place place : more) {
            if (place.tcp().isPresent()) {
                options = options.on(tcp("--nbd-listen", place.tcp().get(), place.access(), insecure));
            } else {
                Listener.Unix unix = new Listener.Unix(place.socket().orElseThrow(), place.socketMode());
                options = options.on(new Listener(unix, place.access()));
            }
        }
        return options;
    }

    private Listener tcp(String option, ListenAddress address, Access access, boolean insecure) {
        return new Listener(new Listener.Tcp(address.resolveNbd(option, mayLeave(access, insecure))), access);
    }

    /** True if other machines may reach a listener: over TLS, by clients that an authority vouches for. */
    private boolean mayLeave(Access access, boolean insecure) {
        boolean vouched = tlsFiles.flatMap(TlsSettings::clientAuthorities).isPresent();
        return insecure || (access.tls() == TlsMode.REQUIRED && vouched);
    }

    /** True if a client on TCP has to speak TLS. */
    boolean needsTls() {
        return tls == TlsMode.REQUIRED;
    }
}
