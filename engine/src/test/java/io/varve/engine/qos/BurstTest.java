package io.varve.engine.qos;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.QosLimits;
import io.varve.engine.VolumeType;
import io.varve.engine.VolumeTypes;
import io.varve.engine.qos.Throttle.Direction;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What EBS publishes about its burst buckets, held against a volume that is always busy. */
class BurstTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    private Throttle throttle = new Throttle();
    private QosLimits limits = QosLimits.UNLIMITED;
    private long now;
    private long offset;

    @ParameterizedTest(name = "gp2 of {0} GiB: {1} IOPS, bursts for {2} s, is full again after {3} s")
    @CsvSource({
        "1, 100, 1862, 54000",
        "33, 100, 1862, 54000",
        "100, 300, 2000, 18000",
        "334, 1002, 2703, 5389",
        "750, 2250, 7200, 2400"
    })
    void gp2KeepsToThePublishedTable(long sizeGiB, long baseline, long burstSeconds, long refillSeconds) {
        volume("gp2", sizeGiB);

        assertThat(Math.round(secondsUntilEmpty(4 * KIB))).isEqualTo(burstSeconds);
        assertThat(unitsIn(100, 4 * KIB)).isBetween(100 * baseline - 1, 100 * baseline + 1);

        now += refillSeconds * SECOND;
        assertThat(throttle.balance(limits, now).orElseThrow().percent()).isBetween(99.98, 100.0);
        now += 3600 * SECOND;
        assertThat(throttle.balance(limits, now).orElseThrow().credits()).isEqualTo(5_400_000);
    }

    @ParameterizedTest(name = "gp2 of {0} GiB has {1} IOPS and saves nothing")
    @CsvSource({"1000, 3000", "5334, 16000", "16384, 16000"})
    void aLargeGp2NeedsNoBurst(long sizeGiB, long iops) {
        volume("gp2", sizeGiB);
        assertThat(throttle.balance(limits, now)).isEmpty();
        assertThat(unitsIn(100, 4 * KIB)).isBetween(100 * iops, 101 * iops);
    }

    @ParameterizedTest(name = "gp2 of {0} GiB: {1} MiB/s with credits, {2} without")
    @CsvSource({"170, 128, 127.5", "250, 250, 187.5", "334, 250, 250"})
    void gp2ReachesItsThroughputAsLongAsItHasCredits(long sizeGiB, double withCredits, double without) {
        volume("gp2", sizeGiB);
        unitsIn(1, 256 * KIB);
        assertThat(unitsIn(100, 256 * KIB) / 400.0).isBetween(withCredits - 0.01, withCredits + 0.01);

        secondsUntilEmpty(4 * KIB);
        unitsIn(30, 256 * KIB); // what was saved of the throughput meanwhile, at no more than the base rate
        assertThat(unitsIn(100, 256 * KIB) / 400.0).isBetween(without - 0.02, without + 0.02);
    }

    @ParameterizedTest(name = "{0} of {1} GiB: {2} MiB/s for {3} s, {4} MiB/s after that")
    @CsvSource({
        "st1, 1024, 250, 4993, 40",
        "st1, 2048, 500, 4993, 80",
        "sc1, 1024, 80, 15420, 12",
        "sc1, 3200, 250, 15420, 37.5"
    })
    void disksBurstUntilTheirCreditsAreSpent(String type, long sizeGiB, double burst, long burstSeconds, double base) {
        volume(type, sizeGiB);
        unitsIn(1, MIB);
        assertThat(unitsIn(10, MIB) / 10.0).isBetween(burst - 0.1, burst + 0.1);
        assertThat(secondsUntilEmpty(MIB) + 11).isBetween(burstSeconds - 1.0, burstSeconds + 1.0);
        assertThat(unitsIn(100, MIB) / 100.0).isBetween(base - 0.01, base + 0.01);
    }

    @Test
    void aSmallRequestAtRandomCostsADiskAWholeUnit() {
        volume("st1", 1024);
        unitsIn(1, 4 * KIB);
        assertThat(unitsIn(100, 4 * KIB)).isBetween(24_999L, 25_001L);
    }

    @Test
    void creditsLastOverARestartAndAreNeverMoreThanFit() {
        volume("gp2", 100);
        secondsUntilEmpty(4 * KIB);
        assertThat(throttle.balance(limits, now).orElseThrow().credits()).isZero();

        Throttle restarted = new Throttle();
        restarted.restore(1000, now);
        assertThat(restarted.balance(limits, now + SECOND).orElseThrow().credits())
                .isEqualTo(1300);
        restarted.update(limits, now + SECOND);
        assertThat(restarted.balance(limits, now + SECOND).orElseThrow().credits())
                .isEqualTo(1300);
        restarted.restore(Long.MAX_VALUE, now);
        restarted.update(limits, now);
        assertThat(restarted.balance(limits, now).orElseThrow().credits()).isEqualTo(5_400_000);
    }

    @Test
    void aChangeOfSizeKeepsWhatWasSavedAndEarnsMoreFromThenOn() {
        volume("gp2", 100);
        secondsUntilEmpty(4 * KIB);
        VolumeType gp2 = VolumeTypes.BUILT_IN.get("gp2");
        QosLimits larger = gp2.limits(200, gp2.provision(200, OptionalLong.empty(), OptionalLong.empty()));
        throttle.update(larger, now);
        assertThat(throttle.balance(larger, now + 10 * SECOND).orElseThrow().credits())
                .isBetween(5999L, 6001L);
    }

    private void volume(String type, long sizeGiB) {
        VolumeType of = VolumeTypes.BUILT_IN.get(type);
        limits = of.limits(sizeGiB, of.provision(sizeGiB, OptionalLong.empty(), OptionalLong.empty()));
        throttle = new Throttle(limits, now);
    }

    /** Makes one request after another, at random, until there is no credit for the next. */
    private double secondsUntilEmpty(int requestBytes) {
        long start = now;
        while (throttle.balance(limits, now).orElseThrow().credits() > 1) { // the one that the next request waited for
            for (int i = 0; i < 16; i++) { // asking the balance costs more than a request
                step(requestBytes);
            }
        }
        return (double) (now - start) / SECOND;
    }

    /** How many units it gets in so many seconds. */
    private long unitsIn(long seconds, int requestBytes) {
        long end = now + seconds * SECOND;
        long units = 0;
        while (now < end) {
            units += step(requestBytes);
        }
        return units;
    }

    private long step(int requestBytes) {
        offset += 3L * MIB;
        long wait = throttle.admit(now, now, Direction.WRITE, offset, requestBytes);
        now += wait;
        return wait > 0 ? 0 : throttle.unitsOfLast();
    }
}
