package io.varve.api.control;

import java.util.Optional;

/**
 * What people say about one thing: the control plane's part of a volume, a snapshot and whatever else has an id, a name
 * and tags. A record; its text tells all that is said.
 *
 * @param <K> its id
 */
public interface Entry<K> {
    K id();

    Label label();

    /** The state in EC2's words, as far as it is the control plane's to know. */
    String state();

    /** The token that it was created with. */
    Optional<ClientToken> clientToken();
}
