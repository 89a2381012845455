package io.varve.api.control;

import java.util.Optional;

/**
 * What people say about something that the engine has.
 *
 * @param <K> its id
 * @param <T> the entry's own type
 */
interface StoredEntry<K, T extends StoredEntry<K, T>> extends Entry<K> {
    /** How far its creation or deletion has come. */
    Phase phase();

    /** Set while it is in the recycle bin. */
    Optional<Recycled> recycled();

    T with(Phase newPhase);

    /** Into the recycle bin, or out of it. What is in the bin can be created anew with the same token. */
    T recycled(Optional<Recycled> newRecycled);
}
