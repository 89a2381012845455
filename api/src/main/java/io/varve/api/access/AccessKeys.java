package io.varve.api.access;

import java.util.Optional;

/** The access keys, as those see them that check signatures. Thread-safe; waits for nothing. */
public interface AccessKeys {
    /** True if nobody has to be known: any well-formed signed request is taken. */
    boolean open();

    /** The key with this id, if there is one whose secret can be read. */
    Optional<AccessKey> find(String id);
}
