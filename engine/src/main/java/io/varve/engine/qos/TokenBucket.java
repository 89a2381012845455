package io.varve.engine.qos;

import java.util.concurrent.TimeUnit;

/**
 * A token bucket that does not burst: it fills at {@code rate} tokens a second up to a small depth. A request passes
 * while the balance is positive and may drive it negative, so that a request larger than the depth passes whole and
 * those behind it pay.
 *
 * <p>The depth is 50 ms of rate, and at least the largest request: what a late timer, a slow read of the disk or a busy
 * CPU keeps a client from is not lost to it, and what it may do at once after a pause is little. The balance is counted in billionths of a token: a nanosecond adds exactly {@code rate} of them, so
 * nothing is ever rounded and the rate holds for ever.
 *
 * <p>On the data path; used by one thread, without locks and without allocation. The caller brings the time.
 */
public final class TokenBucket {
    private static final long PARTS = TimeUnit.SECONDS.toNanos(1);
    private static final long DEPTH_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** Faster than any device; above it the depth would not fit in a {@code long} of parts. */
    private static final long MAX_RATE = 100_000_000_000L;

    /** What may be owed, and so the largest request. */
    private static final long MAX_DEBT = 4_000_000_000L;

    private final long largestRequest;
    private long rate;
    private long depthParts;
    private long balanceParts;
    private long filledAtNanos;

    /**
     * A bucket that is full.
     *
     * @param rate tokens a second, more than 0; above 10<sup>11</sup> it makes no more difference
     * @param largestRequest the least depth, in tokens, up to 4 · 10<sup>9</sup>
     */
    public TokenBucket(long rate, long largestRequest, long nowNanos) {
        this.largestRequest = checkPositive(Math.min(largestRequest, MAX_DEBT));
        this.rate = checkPositive(Math.min(rate, MAX_RATE));
        this.depthParts = depthParts();
        this.balanceParts = depthParts;
        this.filledAtNanos = nowNanos;
    }

    /** Nanoseconds until a request can pass; 0 if one can now. */
    public long waitNanos(long nowNanos) {
        fill(nowNanos);
        return balanceParts > 0 ? 0 : -balanceParts / rate + 1;
    }

    /** Takes {@code tokens}, however many there are. */
    public void take(long tokens) {
        balanceParts = Math.max(balanceParts - Math.min(tokens, MAX_DEBT) * PARTS, -MAX_DEBT * PARTS);
    }

    /** Changes the rate from now on. What is owed stays owed; what is held above the new depth is lost. */
    public void setRate(long newRate, long nowNanos) {
        fill(nowNanos);
        rate = checkPositive(Math.min(newRate, MAX_RATE));
        depthParts = depthParts();
        balanceParts = Math.min(balanceParts, depthParts);
    }

    private void fill(long nowNanos) {
        long elapsed = nowNanos - filledAtNanos;
        if (elapsed <= 0) {
            return;
        }
        filledAtNanos = nowNanos;
        long missingParts = depthParts - balanceParts;
        // Compared by division, because elapsed * rate overflows after a long pause.
        balanceParts = elapsed > missingParts / rate ? depthParts : balanceParts + elapsed * rate;
    }

    private long depthParts() {
        return Math.max(rate * DEPTH_NANOS, largestRequest * PARTS);
    }

    private static long checkPositive(long tokens) {
        if (tokens <= 0) {
            throw new IllegalArgumentException("tokens=" + tokens + " where more than none are needed");
        }
        return tokens;
    }
}
