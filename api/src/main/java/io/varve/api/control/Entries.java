package io.varve.api.control;

import java.util.Collection;
import java.util.List;

/**
 * The entries of one kind on stable storage. When a method returns, its change is durable; it is done whole or not at
 * all. Methods block; they fail with {@link io.varve.engine.StoreException}. Thread-safe.
 */
public interface Entries<T> {
    List<T> all();

    /** Adds or replaces entries, all or none. */
    void put(Collection<T> entries);

    /** Adds or replaces an entry. */
    default void put(T entry) {
        put(List.of(entry));
    }

    /**
     * Adds or replaces entries without waiting for stable storage: the death of the process loses nothing, a power
     * failure may. For what start-up would find out by itself.
     */
    void settle(Collection<T> entries);

    /** Removes the entry with this id if it is there. */
    void remove(Object id);
}
