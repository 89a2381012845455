package io.varve.engine.qos;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.qos.Throttle.Direction;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What requests count for. */
class IoUnitsTest {
    private static final int KIB = 1 << 10;
    private static final long MILLISECOND = TimeUnit.MILLISECONDS.toNanos(1);

    private final IoUnits units = new IoUnits();
    private long now = 1;

    @BeforeEach
    void unitsOf256KiB() {
        units.resize(256 * KIB);
    }

    @Test
    void aLargeRequestCountsForAsManyUnitsAsItHas() {
        assertThat(write(0, 1024 * KIB)).isEqualTo(4);
        assertThat(write(8 << 20, 1024 * KIB + 512)).isEqualTo(5);
        assertThat(write(16 << 20, 512)).isEqualTo(1);
    }

    @Test
    void smallRequestsThatFollowEachOtherFillOneUnit() {
        long counted = 0;
        for (int i = 0; i < 128; i++) {
            counted += write(i * 4L * KIB, 4 * KIB);
            now += MILLISECOND;
        }
        assertThat(counted).isEqualTo(2);
    }

    @Test
    void aRequestThatComesLaterThanAMillisecondBeginsAUnit() {
        write(0, 4 * KIB);
        now += MILLISECOND + 1;
        assertThat(write(4 * KIB, 4 * KIB)).isEqualTo(1);
    }

    @Test
    void timeSpentWaitingToBeLetInDoesNotPartRequests() {
        long arrived = now;
        assertThat(units.count(arrived, Direction.WRITE, 0, 4 * KIB)).isEqualTo(1);
        units.admitted(now + 10 * MILLISECOND, arrived, Direction.WRITE, 0, 4 * KIB);
        now += 11 * MILLISECOND;
        assertThat(write(4 * KIB, 4 * KIB)).isZero();
    }

    @Test
    void aRequestElsewhereOrInTheOtherDirectionBeginsAUnit() {
        write(0, 4 * KIB);
        assertThat(write(12 * KIB, 4 * KIB)).isEqualTo(1);
        assertThat(request(Direction.READ, 16 * KIB, 4 * KIB)).isEqualTo(1);
        assertThat(request(Direction.READ, 20 * KIB, 4 * KIB)).isZero();
    }

    @Test
    void aRequestThatGoesOnFillsTheBegunUnitFirst() {
        assertThat(write(0, 200 * KIB)).isEqualTo(1);
        assertThat(write(200 * KIB, 100 * KIB)).isEqualTo(1);
        assertThat(write(300 * KIB, 212 * KIB)).isZero();
        assertThat(write(512 * KIB, 4 * KIB)).isEqualTo(1);
    }

    @Test
    void withoutAUnitAndWithoutAPayloadEachRequestIsOne() {
        assertThat(request(Direction.NONE, 0, 1L << 40)).isEqualTo(1);
        units.resize(0);
        assertThat(write(0, 32 << 20)).isEqualTo(1);
        assertThat(write(32 << 20, 4 * KIB)).isEqualTo(1);
    }

    private long write(long offset, long length) {
        return request(Direction.WRITE, offset, length);
    }

    private long request(Direction direction, long offset, long length) {
        long count = units.count(now, direction, offset, length);
        units.admitted(now, now, direction, offset, length);
        return count;
    }
}
