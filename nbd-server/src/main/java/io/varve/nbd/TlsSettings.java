package io.varve.nbd;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The files that TLS needs. All are read again when one of them was changed, for the connections that come then.
 *
 * @param certificates the server's certificate and those that lead to its authority, PEM
 * @param key the private key, PEM (PKCS #8), without a password
 * @param clientAuthorities whoever shows no certificate of one of these is turned away, PEM; empty to take anyone
 * @param clientRules which client may open which export, see {@link ClientRules}; empty for all of them
 */
public record TlsSettings(Path certificates, Path key, Optional<Path> clientAuthorities, Optional<Path> clientRules) {
    public TlsSettings {
        if (clientRules.isPresent() && clientAuthorities.isEmpty()) {
            throw new IllegalArgumentException("rules for clients need an authority that says who they are");
        }
    }

    /** All of them. */
    public List<Path> files() {
        return Stream.of(Optional.of(certificates), Optional.of(key), clientAuthorities, clientRules)
                .flatMap(Optional::stream)
                .toList();
    }
}
