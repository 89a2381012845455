package io.varve.api.control;

import java.time.Instant;
import java.util.Optional;

/**
 * What a caller can show to say who it is.
 *
 * @param kind {@code access-key} or {@code token}
 * @param role what it may do
 * @param secret of an access key, sealed; of a token, its hash only
 */
public record CredentialEntry(
        String id, String kind, Optional<String> name, String role, String secret, Instant createdAt) {
    /** Never shows what is kept of the secret. */
    @Override
    public String toString() {
        return "%s %s (%s)".formatted(kind, id, role);
    }
}
