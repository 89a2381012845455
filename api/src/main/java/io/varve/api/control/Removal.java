package io.varve.api.control;

import io.varve.engine.StoreException;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How things of one kind go: at once, or by way of the recycle bin, where a retention rule keeps them. Runs on control
 * threads, in the turn of the thing's id.
 *
 * @param <K> the id
 * @param <T> the entry
 */
final class Removal<K, T extends StoredEntry<K, T>> {
    private static final Logger LOG = LoggerFactory.getLogger(Removal.class);

    /** Clients that were half-way through their handshake when a forced deletion began can still turn up. */
    private static final int DISCONNECT_ROUNDS = 3;

    private final Ledger<K, T> entries;
    private final RetentionRules rules;
    private final RetentionRule.Resource resource;
    private final Target<K> target;

    Removal(Ledger<K, T> entries, RetentionRules rules, RetentionRule.Resource resource, Target<K> target) {
        this.entries = entries;
        this.rules = rules;
        this.resource = resource;
        this.target = target;
    }

    /** What the engine and the NBD server do to things of the kind. */
    interface Target<K> {
        boolean inUse(K id);

        CompletableFuture<Void> delete(K id);

        CompletableFuture<Void> disconnect(K id, Connections connections);

        RequestException busy(K id);

        RequestException notFound(K id);
    }

    /**
     * Deletes a thing that is there, or puts it into the bin.
     *
     * @param force disconnect its clients first instead of refusing
     */
    void remove(T entry, boolean force, Connections connections) {
        if (!force && target.inUse(entry.id())) {
            throw target.busy(entry.id());
        }
        int rounds = force ? DISCONNECT_ROUNDS : 0;
        Optional<Recycled> kept = rules.keep(resource, entry.label());
        if (kept.isPresent()) {
            recycle(entry, kept.get(), rounds, connections);
        } else {
            delete(entry, rounds, connections);
        }
    }

    /** From the new entry on nobody opens it; who has opened it before is seen here. */
    private void recycle(T entry, Recycled kept, int rounds, Connections connections) {
        entries.put(entry.recycled(Optional.of(kept)));
        for (int round = 0; round < rounds && target.inUse(entry.id()); round++) {
            target.disconnect(entry.id(), connections).join();
        }
        if (target.inUse(entry.id())) {
            entries.put(entry);
            throw target.busy(entry.id());
        }
    }

    private void delete(T entry, int rounds, Connections connections) {
        entries.put(entry.with(Phase.DELETING));
        try {
            deleteFromStore(entry.id(), rounds, connections);
        } catch (StoreException e) {
            entries.put(entry);
            throw e.kind() == StoreException.Kind.IN_USE ? target.busy(entry.id()) : RequestException.of(e);
        }
        entries.remove(entry.id());
    }

    private void deleteFromStore(K id, int rounds, Connections connections) {
        if (rounds > 0) {
            target.disconnect(id, connections).join();
        }
        try {
            EngineCalls.await(target.delete(id));
        } catch (StoreException e) {
            if (e.kind() != StoreException.Kind.IN_USE || rounds <= 1) {
                throw e;
            }
            LOG.info("{} was opened while it is being deleted; disconnecting again", id);
            deleteFromStore(id, rounds - 1, connections);
        }
    }

    /** Takes a thing out of the bin again. Fails if it is not there. */
    T restore(K id) {
        T restored = binned(id).recycled(Optional.empty());
        entries.put(restored);
        return restored;
    }

    /** Deletes a thing in the bin for good. Fails if it is not there, or kept by a locked rule. */
    void purge(K id) {
        T entry = binned(id);
        entry.recycled().ifPresent(rules::requirePurgeable);
        delete(entry, 0, Connections.NONE);
    }

    /** Deletes everything whose time in the bin is over; what is still in use waits. Blocks, on no control thread. */
    void expireAll(Sequencer sequencer) {
        for (T entry : entries.all()) {
            if (isOver(entry)) {
                sequencer
                        .run(entry.id().toString(), () -> {
                            expire(entry.id());
                            return "over";
                        })
                        .join();
            }
        }
    }

    private void expire(K id) {
        Optional<T> over = entries.find(id).filter(this::isOver);
        if (over.isPresent() && target.inUse(id)) {
            LOG.info("{} is still in use; it goes when that ends", id);
        } else {
            over.ifPresent(entry -> delete(entry, 0, Connections.NONE));
        }
    }

    private boolean isOver(T entry) {
        Instant now = rules.now();
        return entry.recycled().filter(kept -> !now.isBefore(kept.until())).isPresent();
    }

    private T binned(K id) {
        return entries.find(id).filter(entry -> entry.phase() == Phase.RECYCLED).orElseThrow(() -> target.notFound(id));
    }
}
