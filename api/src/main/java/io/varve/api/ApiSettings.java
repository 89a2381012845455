package io.varve.api;

import io.varve.api.access.Credentials;
import io.varve.nbd.TlsSettings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where and how the API listens.
 *
 * @param tls certificates and key; empty for no TLS
 */
record ApiSettings(ListenAddress address, Optional<TlsSettings> tls) {
    /**
     * The address to bind.
     *
     * @param insecure listen beyond loopback in the clear
     * @throws StartException for an address that makes no sense, or that is refused
     */
    InetSocketAddress resolve(boolean insecure) {
        return address.resolveApi("--api", insecure || tls.isPresent());
    }

    /**
     * Refuses to let other machines at a door that nobody has a key for (law 11).
     *
     * @throws StartException if there is no credential
     */
    void requireCredential(InetSocketAddress resolved, Credentials credentials, Path data) {
        if (!resolved.getAddress().isLoopbackAddress() && !credentials.letSomebodyIn()) {
            throw new StartException(
                    ExitCode.USAGE,
                    "--api %s is refused: it can be reached from other machines, and there is no credential yet: make an administrator's token with varve token recover --data %s, or add --insecure to listen there all the same"
                            .formatted(address, data));
        }
    }

    String scheme() {
        return tls.isPresent() ? "https" : "http";
    }
}
