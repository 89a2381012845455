package io.varve.engine.qos;

import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import java.util.Comparator;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Holds all volumes of a store together to limits, and says whose turn it is while more is asked for: as mClock does
 * (Gulati, Merchant, Varman: mClock, OSDI '10). Who is behind its minimum comes first, the one that is longest behind
 * before the others; else the one that had least of the store's time for its weight. A volume's time is what its
 * requests take of the limit that they use most. Who did not ask saves nothing, and what it does not use is the
 * others'.
 *
 * <p>Like {@link Throttle} this only says when: a volume that has to wait asks again, and is told when that is of use.
 * Its turn lapses if it does not come, so that nobody waits for a volume that went away. At least every tenth turn goes
 * by weight, so that minimums that were promised beyond the limit starve nobody.
 *
 * <p>One lock, held for a few steps and for no call out of here. A request that nobody competes with allocates nothing.
 */
public final class StoreShares {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long LARGEST_REQUEST_BYTES = 1 << 20;
    private static final double THOUSANDTHS = 1_000.0 * SECOND;

    /** What a volume may be late for its minimum without losing it, and how long its turn waits for it. */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** Less than what the buckets hold, so that nothing is lost where volumes end asking. */
    private static final long LONGEST_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

    private static final long SHORTEST_WAIT_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    /** How far one may go before its turn, so that not every request waits for another volume's timer. */
    private static final long AHEAD_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private static final int MOST_MINIMUMS_IN_A_ROW = 9;

    /** Thousandths of nanoseconds that an operation and a byte take of the store. */
    private final double timeOfOperation;

    private final double timeOfByte;
    private final @Nullable TokenBucket operations;
    private final @Nullable TokenBucket payload;
    private final NavigableSet<Member> byTime = new TreeSet<>(
            Comparator.<Member>comparingLong(member -> member.time).thenComparingLong(member -> member.number));
    private final NavigableSet<Member> byMinimum = new TreeSet<>(StoreShares::longestBehind);

    /** Of those that wait. */
    private long weights;

    /** How much time for its weight that one had who had least, when one was last let in by weight. */
    private long time;

    private int minimumsInARow;
    private long members;

    private StoreShares(QosLimits limits, long nowNanos) {
        timeOfOperation = limits.iops() == 0 ? 0 : THOUSANDTHS / limits.iops();
        timeOfByte = limits.bytesPerSecond() == 0 ? 0 : THOUSANDTHS / limits.bytesPerSecond();
        operations = limits.iops() == 0 ? null : new TokenBucket(limits.iops(), 1, nowNanos);
        payload = limits.bytesPerSecond() == 0
                ? null
                : new TokenBucket(limits.bytesPerSecond(), LARGEST_REQUEST_BYTES, nowNanos);
    }

    /** What holds a store to its limits; empty if it has none. */
    public static Optional<StoreShares> of(QosLimits limits, long nowNanos) {
        boolean limited = limits.iops() > 0 || limits.bytesPerSecond() > 0;
        return limited ? Optional.of(new StoreShares(limits, nowNanos)) : Optional.empty();
    }

    private static int longestBehind(Member one, Member other) {
        long sooner = one.minimumNanos - other.minimumNanos; // of System.nanoTime, which may pass its greatest value
        return sooner != 0 ? Long.signum(sooner) : Long.compare(one.number, other.number);
    }

    /** A volume, which begins with an even share. */
    public synchronized Member member(long nowNanos) {
        return new Member(++members, nowNanos);
    }

    /** How many volumes wait for their turn. */
    public synchronized int waiting() {
        return byTime.size();
    }

    /** One volume among all. Thread-safe. */
    public final class Member {
        private final long number;
        private int weight = QosShare.EVEN.weight();
        private long minimumIops;
        private boolean waits;

        /** When it asks again. */
        private long askNanos;

        /** Nanoseconds of the store by its weight, in thousandths; as of the start of its next request. */
        private long time;

        /** From when on its next request is behind its minimum. */
        private long minimumNanos;

        private Member(long number, long nowNanos) {
            this.number = number;
            minimumNanos = nowNanos;
        }

        /** Gives it another share, from now on. */
        public void change(QosShare share, long nowNanos) {
            synchronized (StoreShares.this) {
                boolean waited = waits;
                leave();
                weight = share.weight();
                minimumIops = share.minimumIops();
                time = Math.min(time, StoreShares.this.time); // what a minimum gave it before is forgiven
                minimumNanos = nowNanos;
                if (waited) {
                    enqueue(this, nowNanos);
                }
            }
        }

        /** Gives up its turn. */
        void leave() {
            synchronized (StoreShares.this) {
                if (waits) {
                    dequeue(this);
                }
            }
        }

        /** Lets a request in and has it paid, answering 0; or says in how many nanoseconds to ask again for it. */
        long admit(long nowNanos, long ops, long bytes) {
            return StoreShares.this.admit(this, nowNanos, ops, bytes);
        }
    }

    private synchronized long admit(Member member, long nowNanos, long ops, long bytes) {
        long emptyNanos = emptyNanos(nowNanos, ops, bytes);
        if (emptyNanos == 0 && byTime.isEmpty()) {
            arrive(member, nowNanos);
            serve(member, isBehind(member, nowNanos), ops, bytes);
            return 0;
        }
        if (!member.waits) {
            arrive(member, nowNanos);
            enqueue(member, nowNanos);
        }
        member.askNanos = nowNanos;
        if (emptyNanos == 0) {
            boolean byMinimums = minimumsInARow < MOST_MINIMUMS_IN_A_ROW;
            boolean byItsMinimum = byMinimums && isBehind(member, nowNanos);
            boolean yields = byMinimums && isAnyLongerBehind(member, nowNanos);
            if (!yields && (byItsMinimum || aheadNanos(member, nowNanos) <= AHEAD_NANOS)) {
                dequeue(member);
                serve(member, byItsMinimum, ops, bytes);
                return 0;
            }
        }
        long wait = Math.max(emptyNanos, Math.min(turnNanos(member, nowNanos), LONGEST_WAIT_NANOS));
        member.askNanos = nowNanos + Math.max(wait, SHORTEST_WAIT_NANOS);
        return member.askNanos - nowNanos;
    }

    private long emptyNanos(long nowNanos, long ops, long bytes) {
        long wait = operations != null && ops > 0 ? operations.waitNanos(nowNanos) : 0;
        return payload != null && bytes > 0 ? Math.max(wait, payload.waitNanos(nowNanos)) : wait;
    }

    /** Who comes anew has saved nothing, but for the lateness of a timer. */
    private void arrive(Member member, long nowNanos) {
        member.time = Math.max(member.time, time);
        if (nowNanos - member.minimumNanos > PATIENCE_NANOS) {
            member.minimumNanos = nowNanos - PATIENCE_NANOS;
        }
    }

    private static boolean isBehind(Member member, long nowNanos) {
        return member.minimumIops > 0 && member.minimumNanos - nowNanos <= 0;
    }

    /** True if one is so much longer behind its minimum that this one must wait for it. */
    private boolean isAnyLongerBehind(Member member, long nowNanos) {
        Member longest = first(byMinimum, nowNanos);
        if (longest == null || longest == member) {
            return false;
        }
        long own = isBehind(member, nowNanos) ? nowNanos - member.minimumNanos : 0;
        return nowNanos - longest.minimumNanos - own > AHEAD_NANOS;
    }

    private void enqueue(Member member, long nowNanos) {
        member.waits = true;
        member.askNanos = nowNanos;
        byTime.add(member);
        weights += member.weight;
        if (member.minimumIops > 0) {
            byMinimum.add(member);
        }
    }

    private void dequeue(Member member) {
        member.waits = false;
        byTime.remove(member);
        weights -= member.weight;
        if (member.minimumIops > 0) {
            byMinimum.remove(member);
        }
    }

    /** The first that has not failed to ask when it was to. */
    private @Nullable Member first(NavigableSet<Member> queue, long nowNanos) {
        while (!queue.isEmpty()) {
            Member first = queue.first();
            if (nowNanos - first.askNanos <= PATIENCE_NANOS) {
                return first;
            }
            dequeue(first);
        }
        return null;
    }

    private void serve(Member member, boolean byItsMinimum, long ops, long bytes) {
        if (byItsMinimum) {
            minimumsInARow++;
            member.minimumNanos += ops * SECOND / member.minimumIops;
        } else {
            minimumsInARow = 0;
            time = Math.max(time, byTime.isEmpty() ? member.time : Math.min(member.time, byTime.first().time));
        }
        member.time += (long) (Math.max(ops * timeOfOperation, bytes * timeOfByte) / member.weight);
        if (operations != null) {
            operations.take(ops);
        }
        if (payload != null) {
            payload.take(bytes);
        }
    }

    /** What of the store's time the others need, if no minimum comes between, to come as far as one that waits. */
    private long aheadNanos(Member member, long nowNanos) {
        Member first = first(byTime, nowNanos);
        long ahead = first == null ? 0 : Math.min(member.time - first.time, LONGEST_WAIT_NANOS * 1_000);
        return ahead * (weights - member.weight) / 1_000;
    }

    /** When its turn may come. */
    private long turnNanos(Member member, long nowNanos) {
        long byWeight = aheadNanos(member, nowNanos) - AHEAD_NANOS;
        return member.minimumIops > 0 ? Math.min(byWeight, member.minimumNanos - nowNanos) : byWeight;
    }
}
