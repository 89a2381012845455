package io.varve.api.control;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The entries of one kind: each change is made durable first, can then be looked up here and is told as an event.
 * Thread-safe; who changes an entry sees to it that nobody else changes the same one.
 */
final class Ledger<K, T extends Entry<K>> {
    private final Entries<T> durable;
    private final String kind;
    private final Events events;
    private final Map<K, T> entries = new ConcurrentHashMap<>();
    private final Map<String, K> byToken = new ConcurrentHashMap<>();

    /**
     * Reads what there is.
     *
     * @param kind what is told of changes
     */
    Ledger(Entries<T> durable, String kind, Events events) {
        this.durable = durable;
        this.kind = kind;
        this.events = events;
        durable.all().forEach(this::keep);
    }

    @Nullable
    T get(K id) {
        return entries.get(id);
    }

    Optional<T> find(K id) {
        return Optional.ofNullable(entries.get(id));
    }

    Collection<T> all() {
        return Collections.unmodifiableCollection(entries.values());
    }

    void put(T entry) {
        durable.put(entry);
        keep(entry);
        events.publish(kind, entry.id(), entry.state());
    }

    /** Says that what was begun is done; see {@link Entries#settle}. */
    void settle(List<T> done) {
        durable.settle(done);
        done.forEach(this::keep);
        done.forEach(entry -> events.publish(kind, entry.id(), entry.state()));
    }

    /** All of them or none. */
    void putAll(List<T> changed) {
        durable.put(changed);
        changed.forEach(this::keep);
        changed.forEach(entry -> events.publish(kind, entry.id(), entry.state()));
    }

    private void keep(T entry) {
        T before = entries.put(entry.id(), entry);
        if (before != null) {
            before.clientToken().ifPresent(token -> byToken.remove(token.token(), entry.id()));
        }
        entry.clientToken().ifPresent(token -> byToken.put(token.token(), entry.id()));
    }

    void remove(K id) {
        durable.remove(id);
        T gone = entries.remove(id);
        if (gone != null) {
            gone.clientToken().ifPresent(token -> byToken.remove(token.token(), id));
            events.publish(kind, id, "deleted");
        }
    }

    /** True if something was created with this token that still exists. */
    boolean knowsToken(String token) {
        return byToken.containsKey(token);
    }

    /**
     * What the same token created before.
     *
     * @throws RequestException IDEMPOTENT_PARAMETER_MISMATCH if it came with another request then
     */
    Optional<T> withToken(Optional<ClientToken> token) {
        Optional<T> earlier = token.map(now -> byToken.get(now.token())).map(entries::get);
        earlier.flatMap(Entry::clientToken).ifPresent(before -> token.ifPresent(now -> requireSame(before, now)));
        return earlier;
    }

    private static void requireSame(ClientToken before, ClientToken now) {
        if (!before.parameters().equals(now.parameters())) {
            throw new RequestException(
                    ErrorCode.IDEMPOTENT_PARAMETER_MISMATCH,
                    "clientToken \"%s\" was used with other parameters: %s"
                            .formatted(before.token(), before.parameters()));
        }
    }
}
