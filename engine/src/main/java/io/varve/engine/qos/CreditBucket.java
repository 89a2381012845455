package io.varve.engine.qos;

import io.varve.engine.BurstBalance;
import io.varve.engine.QosLimits;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a volume saves for bursts: up to hours of its rate. A request passes while there is a whole credit and may leave
 * a debt. Whole credits and billionths of one are counted apart, so that 16 TiB of credit in bytes fit and nothing is
 * ever rounded.
 *
 * <p>On the data path; used by one thread, without locks and without allocation, but for {@link #balance}.
 */
final class CreditBucket {
    private static final long PARTS = TimeUnit.SECONDS.toNanos(1);

    /** What may be owed, and so the largest request. */
    private static final long MAX_DEBT = 4_000_000_000L;

    private long rate;
    private long capacity;
    private long credits;
    private long parts;
    private long filledAtNanos;

    /** What others see: a moment's credits, and the moment. They may be a request apart, which nobody can tell. */
    private final AtomicLong shownCredits = new AtomicLong();

    private final AtomicLong shownNanos = new AtomicLong();

    CreditBucket(QosLimits.Burst burst, long credits, long nowNanos) {
        rate = burst.perSecond();
        capacity = burst.capacity();
        this.credits = Math.max(0, Math.min(credits, capacity));
        filledAtNanos = nowNanos;
        show();
    }

    /** Nanoseconds until a request can pass; 0 if one can now. */
    long waitNanos(long nowNanos) {
        fill(nowNanos);
        return credits > 0 ? 0 : ((1 - credits) * PARTS - parts + rate - 1) / rate;
    }

    /** Takes credits, however many there are. */
    void take(long count) {
        credits = Math.max(credits - Math.min(count, MAX_DEBT), -MAX_DEBT);
        show();
    }

    /** Changes the rate from now on; what is held above the new capacity is lost. */
    void change(QosLimits.Burst burst, long nowNanos) {
        fill(nowNanos);
        rate = burst.perSecond();
        capacity = burst.capacity();
        credits = Math.min(credits, capacity);
        show();
    }

    private void fill(long nowNanos) {
        long elapsed = nowNanos - filledAtNanos;
        if (elapsed <= 0) {
            return;
        }
        filledAtNanos = nowNanos;
        long seconds = elapsed / PARTS;
        if (seconds > (capacity - credits) / rate) { // compared so, because seconds * rate overflows after a long pause
            credits = capacity;
        } else {
            long gained = (elapsed % PARTS) * rate + parts;
            credits += seconds * rate + gained / PARTS;
            parts = gained % PARTS;
        }
        if (credits >= capacity) {
            credits = capacity;
            parts = 0;
        }
    }

    private void show() {
        shownCredits.setOpaque(credits);
        shownNanos.setOpaque(filledAtNanos);
    }

    /** How much there is now. Any thread; {@code burst} is what the bucket was last given. */
    BurstBalance balance(QosLimits.Burst burst, long nowNanos) {
        long shown = shownCredits.getOpaque();
        double gained = (double) Math.max(0, nowNanos - shownNanos.getOpaque()) / PARTS * burst.perSecond();
        long now = Math.max(0, shown + (long) Math.min(gained, burst.capacity() - (double) shown));
        return new BurstBalance(Math.min(now, burst.capacity()), burst.capacity());
    }
}
