package io.varve.engine.log;

import io.varve.engine.StoreException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Gives segments their ids, none of them twice: each commit names an id that none reaches before the next one, and a
 * store that is opened after a crash begins there. Any thread.
 */
final class SegmentIds {
    /** How many may be given out between two commits. */
    private static final long RESERVE = 1 << 16;

    private final AtomicLong next;
    private volatile long limit;

    /** @param next no segment was ever given this id or a larger one */
    SegmentIds(long next) {
        this.next = new AtomicLong(next);
        this.limit = next;
    }

    /** @throws StoreException IO if too many were given out since the last commit */
    long take() {
        long id = next.getAndIncrement();
        if (id >= limit) {
            throw new StoreException(StoreException.Kind.IO, "too many segments begun since the last checkpoint");
        }
        return id;
    }

    /** The one that comes next. */
    long next() {
        return next.get();
    }

    /** This one is in use: those to come are larger. */
    void skip(long id) {
        next.accumulateAndGet(id + 1, Math::max);
    }

    /** The id that the next commit has to name. */
    long reserve() {
        return next.get() + RESERVE;
    }

    /** A commit is durable that named {@code reserved}. */
    void committed(long reserved) {
        limit = reserved;
    }
}
