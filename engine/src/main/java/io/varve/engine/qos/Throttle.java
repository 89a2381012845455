package io.varve.engine.qos;

import io.varve.engine.BurstBalance;
import io.varve.engine.QosLimits;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Holds a volume to its {@link QosLimits}. It only says when: whoever asks keeps the requests, in their order, and asks
 * again for the first of them when the time has come. It outlives openings of the volume, because credits do.
 *
 * <p>On the data path; used by the volume's loop only, without locks and without allocation, but for {@link #restore}
 * and {@link #balance}.
 */
public final class Throttle {
    private static final long LARGEST_REQUEST_BYTES = 1 << 20;

    /** What a request does with its payload. */
    public enum Direction {
        READ,
        WRITE,
        /** Carries none: it counts as one operation, and the limit on bytes does not hold it back. */
        NONE
    }

    /** Credits of an earlier life. */
    private record Restored(long credits, long atNanos) {}

    private volatile @Nullable Restored restored;
    private final IoUnits units = new IoUnits();
    private @Nullable TokenBucket operations;
    private @Nullable TokenBucket payload;
    private volatile @Nullable CreditBucket credits;
    private long wholeUnitBytes;
    private boolean creditsAreBytes;
    private boolean isLimited;
    private long unitsOfLast;
    private StoreShares.@Nullable Member share;

    /** A throttle that lets everything pass. */
    public Throttle() {}

    public Throttle(QosLimits limits, long nowNanos) {
        update(limits, nowNanos);
    }

    /** Has requests wait for the volume's turn in its store too. */
    public void share(StoreShares.Member member) {
        share = member;
    }

    /** Nothing waits any more: whatever comes is let in without a question. */
    public void end() {
        StoreShares.Member member = share;
        if (member != null) {
            member.leave();
        }
    }

    /** Changes the limits from now on. A limit that stays or changes keeps its balance, a new one starts full. */
    public void update(QosLimits newLimits, long nowNanos) {
        operations = changed(operations, newLimits.iops(), 1, nowNanos);
        payload = changed(payload, newLimits.bytesPerSecond(), LARGEST_REQUEST_BYTES, nowNanos);
        units.resize(newLimits.ioUnitBytes());
        wholeUnitBytes = newLimits.countsWholeUnits() ? newLimits.ioUnitBytes() : 0;
        credits = changedCredits(newLimits, nowNanos);
        creditsAreBytes = newLimits.countsWholeUnits();
        isLimited = operations != null || payload != null || credits != null;
    }

    private @Nullable CreditBucket changedCredits(QosLimits newLimits, long nowNanos) {
        if (newLimits.burst().isEmpty()) {
            return null;
        }
        QosLimits.Burst burst = newLimits.burst().get();
        Restored earlier = restored;
        restored = null;
        if (earlier != null) {
            return new CreditBucket(burst, earlier.credits(), earlier.atNanos());
        }
        CreditBucket bucket = credits;
        if (bucket == null || creditsAreBytes != newLimits.countsWholeUnits()) {
            return new CreditBucket(burst, burst.capacity(), nowNanos);
        }
        bucket.change(burst, nowNanos);
        return bucket;
    }

    /** Has the credits begin, at the next {@link #update}, with what was saved of an earlier life. Any thread. */
    public void restore(long savedCredits, long nowNanos) {
        restored = new Restored(savedCredits, nowNanos);
    }

    /**
     * What is saved for bursts; empty if nothing ever is. Any thread.
     *
     * @param limits those that hold, or will at the next opening
     */
    public Optional<BurstBalance> balance(QosLimits limits, long nowNanos) {
        return limits.burst().map(burst -> bucket(burst, nowNanos).balance(burst, nowNanos));
    }

    private CreditBucket bucket(QosLimits.Burst burst, long nowNanos) {
        Restored earlier = restored;
        if (earlier != null) {
            return new CreditBucket(burst, earlier.credits(), earlier.atNanos());
        }
        CreditBucket bucket = credits;
        return bucket != null ? bucket : new CreditBucket(burst, burst.capacity(), nowNanos);
    }

    /**
     * Admits a request, or says when to ask again.
     *
     * @param arrivedNanos when it came
     * @param length bytes that it touches
     * @return 0 when it is admitted and paid for; else nanoseconds until it can be, and nothing is paid
     */
    public long admit(long nowNanos, long arrivedNanos, Direction direction, long offset, long length) {
        StoreShares.Member member = share;
        if (!isLimited && member == null) {
            unitsOfLast = 1;
            return 0;
        }
        long ops = units.count(arrivedNanos, direction, offset, length);
        long bytes = direction == Direction.NONE ? 0 : wholeUnitBytes == 0 ? length : ops * wholeUnitBytes;
        long wait = waitNanos(nowNanos, ops, bytes);
        if (wait == 0 && member != null) {
            wait = member.admit(nowNanos, ops, bytes);
        }
        if (wait == 0) {
            pay(ops, bytes);
            units.admitted(nowNanos, arrivedNanos, direction, offset, length);
            unitsOfLast = ops;
        }
        return wait;
    }

    private long waitNanos(long nowNanos, long ops, long bytes) {
        long wait = 0;
        if (operations != null && ops > 0) {
            wait = operations.waitNanos(nowNanos);
        }
        if (payload != null && bytes > 0) {
            wait = Math.max(wait, payload.waitNanos(nowNanos));
        }
        CreditBucket bucket = credits;
        if (bucket != null && (creditsAreBytes ? bytes : ops) > 0) {
            wait = Math.max(wait, bucket.waitNanos(nowNanos));
        }
        return wait;
    }

    private void pay(long ops, long bytes) {
        if (operations != null) {
            operations.take(ops);
        }
        if (payload != null) {
            payload.take(bytes);
        }
        CreditBucket bucket = credits;
        if (bucket != null) {
            bucket.take(creditsAreBytes ? bytes : ops);
        }
    }

    /** How many I/O units the request counted for that was admitted last. */
    public long unitsOfLast() {
        return unitsOfLast;
    }

    private static @Nullable TokenBucket changed(
            @Nullable TokenBucket bucket, long rate, long largestRequest, long nowNanos) {
        if (rate == 0) {
            return null;
        }
        if (bucket == null) {
            return new TokenBucket(rate, largestRequest, nowNanos);
        }
        bucket.setRate(rate, nowNanos);
        return bucket;
    }
}
