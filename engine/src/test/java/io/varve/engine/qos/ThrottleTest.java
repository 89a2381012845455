package io.varve.engine.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.QosLimits;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ThrottleTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long MIB = 1 << 20;

    private final SplittableRandom random = new SplittableRandom(7);

    private static long ask(Throttle throttle, long now, long bytes) {
        Throttle.Direction direction = bytes == 0 ? Throttle.Direction.NONE : Throttle.Direction.WRITE;
        return throttle.admit(now, now, direction, 0, bytes);
    }

    /** Asks for one request after another, as a loop with a full queue and late timers does. */
    private final class BusyVolume {
        final Throttle throttle;
        final LongSupplier requestBytes;
        final long maxLateNanos;
        long now = 12_345;
        long operations;
        long bytes;
        long next;

        BusyVolume(QosLimits limits, LongSupplier requestBytes, long maxLateNanos) {
            this.throttle = new Throttle(limits, now);
            this.requestBytes = requestBytes;
            this.maxLateNanos = maxLateNanos;
            this.next = requestBytes.getAsLong();
        }

        void runFor(long nanos) {
            long end = now + nanos;
            while (true) {
                long wait = ask(throttle, now, next);
                if (wait > 0) {
                    if (now + wait > end) {
                        now = end;
                        return;
                    }
                    now = Math.min(end, now + wait + (maxLateNanos == 0 ? 0 : random.nextLong(maxLateNanos + 1)));
                } else {
                    operations++;
                    bytes += next;
                    next = requestBytes.getAsLong();
                }
            }
        }

        void forgetCounts() {
            operations = 0;
            bytes = 0;
        }
    }

    @ParameterizedTest(name = "{0} IOPS with timers late by up to {1} µs")
    @CsvSource({"100, 0", "100, 2000", "3000, 0", "3000, 2000", "80000, 0", "80000, 2000"})
    void operationsKeepToTheirRate(long iops, long lateMicros) {
        var volume = new BusyVolume(new QosLimits(iops, 0), () -> 4096, lateMicros * 1000);
        volume.runFor(SECOND);
        volume.forgetCounts();

        volume.runFor(10 * SECOND);

        // A late timer moves what 2 ms bring from one end of the measurement to the other, and one request straddles.
        long moved = 1 + iops * lateMicros / 1_000_000;
        assertThat(volume.operations).isBetween(10 * iops - moved, 10 * iops + moved);
        assertThat((double) volume.operations).isBetween(9.99 * iops, 10.01 * iops);
    }

    @ParameterizedTest(name = "{0} MiB/s with timers late by up to {1} µs")
    @CsvSource({"125, 0", "125, 2000", "1000, 0", "1000, 2000", "10000, 2000"})
    void bytesKeepToTheirRate(long mibPerSecond, long lateMicros) {
        long rate = mibPerSecond * MIB;
        var volume =
                new BusyVolume(new QosLimits(0, rate), () -> 512 * (1 + random.nextLong(MIB / 512)), lateMicros * 1000);
        volume.runFor(SECOND);
        volume.forgetCounts();

        volume.runFor(10 * SECOND);

        long moved = MIB + rate * lateMicros / 1_000_000;
        assertThat(volume.bytes).isBetween(10 * rate - moved, 10 * rate + moved);
        assertThat((double) volume.bytes).isBetween(9.99 * rate, 10.01 * rate);
    }

    @ParameterizedTest(name = "{0} bytes at 7 MiB/s")
    @ValueSource(longs = {512, 4096, 65536, 1 << 20})
    void noRequestSizeIsFavoured(long requestBytes) {
        long rate = 7 * MIB;
        var volume = new BusyVolume(new QosLimits(0, rate), () -> requestBytes, 2_000_000);
        volume.runFor(SECOND);
        volume.forgetCounts();

        volume.runFor(1000 * SECOND);

        assertThat(volume.bytes).isBetween(1000 * rate - 2 * MIB, 1000 * rate + 2 * MIB);
    }

    @Test
    void nothingIsLostOrWonByRoundingInAYear() {
        // 1 s is no multiple of 1/7 s in nanoseconds: a bucket that rounds drifts.
        var volume = new BusyVolume(new QosLimits(7, 0), () -> 4096, 0);
        volume.runFor(365 * 86_400 * SECOND / 100);
        assertThat(volume.operations).isBetween(365L * 86_400 * 7 / 100, 365L * 86_400 * 7 / 100 + 2);
    }

    @Test
    void anIdleVolumeMayBurstByFiftyMillisecondsOnly() {
        var volume = new BusyVolume(new QosLimits(80_000, 0), () -> 4096, 0);
        volume.runFor(0);
        assertThat(volume.operations).isEqualTo(4000);

        volume.now += 3600 * SECOND;
        volume.forgetCounts();
        volume.runFor(0);
        assertThat(volume.operations).isEqualTo(4000);
    }

    @Test
    void aRequestThatWaitsTakesNothing() {
        var throttle = new Throttle(new QosLimits(1000, MIB), 0);
        assertThat(ask(throttle, 0, 3 * MIB)).isZero();
        // 1 MiB was there and 3 were taken: 2 s until the balance is nought, and a nanosecond until it is positive.
        for (int i = 0; i < 100; i++) {
            assertThat(ask(throttle, 0, 4096)).isEqualTo(2 * SECOND + 1);
        }
        assertThat(ask(throttle, 2 * SECOND, 4096)).isEqualTo(1);
        assertThat(ask(throttle, 2 * SECOND + 1, 4096)).isZero();
        // Of the 50 operations' depth none was taken by those that waited.
        for (int i = 0; i < 49; i++) {
            assertThat(ask(throttle, 2 * SECOND + 1, 0)).isZero();
        }
        assertThat(ask(throttle, 2 * SECOND + 1, 0)).isPositive();
    }

    @Test
    void theStricterLimitRules() {
        var volume = new BusyVolume(new QosLimits(3000, 125 * MIB), () -> 4096, 1_000_000);
        volume.runFor(SECOND);
        volume.forgetCounts();
        volume.runFor(10 * SECOND);
        assertThat((double) volume.operations).isBetween(29_970.0, 30_030.0);
    }

    @Test
    void aNewLimitHoldsAtOnce() {
        var volume = new BusyVolume(new QosLimits(100, 0), () -> 4096, 0);
        volume.runFor(SECOND);
        volume.throttle.update(new QosLimits(5000, 0), volume.now);
        volume.forgetCounts();
        volume.runFor(SECOND);
        assertThat(volume.operations).isBetween(4_999L, 5_001L);

        volume.throttle.update(QosLimits.UNLIMITED, volume.now);
        assertThat(ask(volume.throttle, volume.now, 1 << 30)).isZero();
        assertThat(ask(volume.throttle, volume.now, 1)).isZero();
    }

    @Test
    void aClockThatPassesItsZeroDoesNoHarm() {
        long start = Long.MAX_VALUE - 5;
        var bucket = new TokenBucket(1000, 1, start);
        bucket.take(51);
        assertThat(bucket.waitNanos(start)).isEqualTo(1_000_001);
        assertThat(bucket.waitNanos(start + 1_000_001)).isZero();
    }

    @Test
    void hugeRequestsDoNotOverflow() {
        var bucket = new TokenBucket(1, 1, 0);
        for (int i = 0; i < 10; i++) {
            bucket.take(Long.MAX_VALUE);
        }
        assertThat(bucket.waitNanos(0)).isPositive();

        var unlimitedInPractice = new Throttle(new QosLimits(Long.MAX_VALUE, Long.MAX_VALUE), 0);
        for (int i = 1; i < 1000; i++) {
            assertThat(ask(unlimitedInPractice, i * 100L, 65536)).isZero();
            assertThat(ask(unlimitedInPractice, Long.MAX_VALUE, 65536)).isZero();
        }
    }

    @Test
    void aRateOfNothingIsRefused() {
        assertThatThrownBy(() -> new TokenBucket(0, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tokens=0");
    }
}
