package io.varve.engine.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each of several volumes gets while more is asked of the store than its limits allow; on an injected clock. */
class StoreSharesTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long MILLISECOND = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int BLOCK_BYTES = 4096;
    private static final long MIB = 1 << 20;
    private static final int NO_LIMIT = 0;

    private final SplittableRandom random = new SplittableRandom(11);
    private final PriorityQueue<Ask> asks = new PriorityQueue<>();
    private final List<Long> admitted = new ArrayList<>();
    private long asksMade;
    private long now = Long.MAX_VALUE - 3 * SECOND; // the clock passes its greatest value
    private long began = now;

    private record Ask(Busy volume, long atNanos, long number) implements Comparable<Ask> {
        @Override
        public int compareTo(Ask other) {
            long sooner = atNanos - other.atNanos;
            return sooner != 0 ? Long.signum(sooner) : Long.compare(number, other.number);
        }
    }

    /**
     * A volume that always has a request waiting, asked for by a loop whose timer is late by up to a tenth of a
     * millisecond.
     */
    private final class Busy {
        final Throttle throttle;
        final StoreShares.Member member;
        final int requestBytes;
        long operations;
        boolean idle;

        Busy(StoreShares store, QosShare share, long ownIops, int requestBytes) {
            throttle = new Throttle(new QosLimits(ownIops, 0), now);
            member = store.member(now);
            throttle.share(member);
            member.change(share, now);
            this.requestBytes = requestBytes;
            asks.add(new Ask(this, now, asksMade++));
        }

        Busy(StoreShares store, QosShare share) {
            this(store, share, NO_LIMIT, BLOCK_BYTES);
        }

        void ask() {
            while (!idle) {
                long wait = throttle.admit(now, now, Throttle.Direction.WRITE, 0, requestBytes);
                if (wait > 0) {
                    asks.add(new Ask(this, now + wait + random.nextLong(MILLISECOND / 10), asksMade++));
                    return;
                }
                operations++;
                admitted.add(now - began);
            }
        }

        double rate(long nanos) {
            return operations * (double) SECOND / nanos;
        }
    }

    private static StoreShares store(long iops, long mibPerSecond) {
        return StoreShares.of(new QosLimits(iops, mibPerSecond * MIB), Long.MAX_VALUE - 3 * SECOND)
                .orElseThrow();
    }

    private void runFor(long nanos, Busy... volumes) {
        for (Busy volume : volumes) {
            volume.operations = 0;
        }
        began = now;
        admitted.clear();
        long end = now + nanos;
        while (!asks.isEmpty() && asks.element().atNanos() - end < 0) {
            Ask next = asks.remove();
            now = next.atNanos();
            next.volume().ask();
        }
        now = end;
    }

    private static QosShare weight(int weight) {
        return new QosShare(0, weight);
    }

    private static QosShare minimum(long iops) {
        return new QosShare(iops, QosShare.EVEN.weight());
    }

    @ParameterizedTest
    @ValueSource(longs = {100, 1_000, 20_000})
    void whatThereIsGoesByWeight(long iops) {
        StoreShares store = store(iops, NO_LIMIT);
        Busy small = new Busy(store, weight(100));
        Busy large = new Busy(store, weight(300));
        runFor(SECOND);
        runFor(20 * SECOND, small, large);
        assertThat(small.rate(20 * SECOND)).isCloseTo(iops / 4.0, within(iops / 400.0));
        assertThat(large.rate(20 * SECOND)).isCloseTo(iops * 3 / 4.0, within(iops / 400.0));
    }

    @Test
    void minimumsAreMetAndTheRestGoesByWeight() {
        StoreShares store = store(1_000, NO_LIMIT);
        Busy promised = new Busy(store, new QosShare(600, 1));
        Busy one = new Busy(store, weight(100));
        Busy two = new Busy(store, weight(300));
        runFor(SECOND);
        runFor(20 * SECOND, promised, one, two);
        assertThat(promised.rate(20 * SECOND)).isCloseTo(600, within(6.0));
        assertThat(one.rate(20 * SECOND)).isCloseTo(100, within(4.0));
        assertThat(two.rate(20 * SECOND)).isCloseTo(300, within(4.0));
    }

    @Test
    void aMinimumBelowTheVolumesPartChangesNothing() {
        StoreShares store = store(1_000, NO_LIMIT);
        Busy promised = new Busy(store, minimum(200));
        Busy other = new Busy(store, QosShare.EVEN);
        runFor(SECOND);
        runFor(20 * SECOND, promised, other);
        assertThat(promised.rate(20 * SECOND)).isCloseTo(500, within(5.0));
        assertThat(other.rate(20 * SECOND)).isCloseTo(500, within(5.0));
    }

    @Test
    void whatAnIdleVolumeDoesNotUseIsTheOthersAndComesBackToIt() {
        StoreShares store = store(1_000, NO_LIMIT);
        Busy sometimes = new Busy(store, minimum(500));
        Busy always = new Busy(store, QosShare.EVEN);
        runFor(SECOND);
        sometimes.idle = true;
        runFor(20 * MILLISECOND);
        runFor(10 * SECOND, always);
        assertThat(always.rate(10 * SECOND)).isCloseTo(1_000, within(1.0));

        sometimes.idle = false;
        asks.add(new Ask(sometimes, now, asksMade++));
        runFor(10 * SECOND, sometimes, always);
        assertThat(sometimes.rate(10 * SECOND)).isCloseTo(500, within(5.0));
        assertThat(always.rate(10 * SECOND)).isCloseTo(500, within(5.0));
    }

    @Test
    void whatAVolumesOwnLimitForbidsItIsTheOthers() {
        StoreShares store = store(1_000, NO_LIMIT);
        Busy limited = new Busy(store, weight(1_000), 50, BLOCK_BYTES);
        Busy other = new Busy(store, weight(1));
        runFor(SECOND);
        runFor(20 * SECOND, limited, other);
        assertThat(limited.rate(20 * SECOND)).isCloseTo(50, within(0.5));
        assertThat(other.rate(20 * SECOND)).isCloseTo(950, within(1.0));
    }

    @Test
    void bytesAreSharedByTimeAndNotByRequests() {
        StoreShares store = store(NO_LIMIT, 100);
        Busy small = new Busy(store, QosShare.EVEN, NO_LIMIT, 64 << 10);
        Busy large = new Busy(store, QosShare.EVEN, NO_LIMIT, 1 << 20);
        runFor(SECOND);
        runFor(20 * SECOND, small, large);
        assertThat(small.rate(20 * SECOND)).isCloseTo(50 * 16, within(16.0));
        assertThat(large.rate(20 * SECOND)).isCloseTo(50, within(1.0));
    }

    @Test
    void noVolumeStarvesWhateverWasPromised() {
        StoreShares store = store(1_000, NO_LIMIT);
        Busy greedy = new Busy(store, minimum(5_000));
        Busy poor = new Busy(store, QosShare.EVEN);
        runFor(SECOND);
        runFor(20 * SECOND, greedy, poor);
        assertThat(poor.rate(20 * SECOND)).isGreaterThan(90);
        assertThat(greedy.rate(20 * SECOND)).isGreaterThan(890);
    }

    @Test
    void manyVolumesShareEvenly() {
        StoreShares store = store(10_000, NO_LIMIT);
        Busy[] volumes = new Busy[200];
        for (int i = 0; i < volumes.length; i++) {
            volumes[i] = new Busy(store, QosShare.EVEN);
        }
        runFor(SECOND);
        runFor(10 * SECOND, volumes);
        for (Busy volume : volumes) {
            assertThat(volume.rate(10 * SECOND)).isCloseTo(50, within(1.0));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {100, 5_000, 50_000})
    void theLimitIsReachedAndNeverExceeded(long iops) {
        StoreShares store = store(iops, NO_LIMIT);
        for (int i = 1; i <= 10; i++) {
            Busy unused = new Busy(store, new QosShare(i % 3 == 0 ? iops / 20 : 0, i * 100));
        }
        runFor(SECOND);
        runFor(5 * SECOND);
        assertThat((double) admitted.size()).isCloseTo(5.0 * iops, within(1 + iops / 100.0));
        // In any stretch of time: the rate, what the bucket holds, and the request that empties it.
        long held = Math.max(1, iops / 200) + 1;
        for (int stretch : new int[] {1, 10, 100}) {
            for (int i = 0; i + stretch < admitted.size(); i += 7) {
                double nanos = admitted.get(i + stretch) - (double) admitted.get(i);
                assertThat(stretch).isLessThanOrEqualTo((int) (nanos * iops / SECOND) + (int) held);
            }
        }
    }

    @Test
    void aVolumeThatGoesAwayWhileItWaitsHoldsNobodyUp() {
        StoreShares store = store(100, NO_LIMIT);
        Busy gone = new Busy(store, weight(1_000));
        Busy stays = new Busy(store, weight(1));
        runFor(SECOND);
        assertThat(store.waiting()).isEqualTo(2);
        asks.removeIf(ask -> ask.volume() == gone); // its loop never asks again
        runFor(SECOND, stays);
        assertThat(stays.rate(SECOND)).isGreaterThan(98);
        gone.throttle.end();
        stays.throttle.end();
        assertThat(store.waiting()).isZero();
    }

    @Test
    void aChangeHoldsAtOnce() {
        StoreShares store = store(1_000, NO_LIMIT);
        Busy one = new Busy(store, new QosShare(800, 1));
        Busy two = new Busy(store, QosShare.EVEN);
        runFor(5 * SECOND, one, two);
        assertThat(one.rate(5 * SECOND)).isCloseTo(800, within(10.0));
        one.member.change(weight(300), now);
        runFor(5 * SECOND, one, two);
        assertThat(one.rate(5 * SECOND)).isCloseTo(750, within(10.0));
        assertThat(two.rate(5 * SECOND)).isCloseTo(250, within(10.0));
    }

    @Test
    void aStoreWithoutLimitsHasNoShares() {
        assertThat(StoreShares.of(QosLimits.UNLIMITED, 0)).isEmpty();
    }
}
