package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.StoreUsage;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeLoop;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Who writes faster than compaction can keep up with is slowed down to its pace, and not stopped for whole runs of it. */
class WritePaceTest {
    private static final int MIB = 1 << 20;
    private static final int REQUEST_BYTES = 16 << 10;
    private static final int LIVE_REQUESTS = 4096;
    private static final int REQUESTS = 6 * LIVE_REQUESTS;
    private static final long MOST_TICKS = 4;

    private static final long BAND = 70 << 20;

    private final AtomicLong appended = new AtomicLong(1000);
    private final SpacePressure pressure = new SpacePressure(appended::get);
    private final Timer timer = new Timer();
    private final WritePace pace = new WritePace(pressure, timer);
    private int woken;

    @Test
    void theMoreFilesHoldTheLessIsGiven() {
        pace.follow(-5, BAND, 1000);
        assertThat(pace.isHolding()).as("there is room").isFalse();
        assertThat(room()).as("and not more before the next tick").isEqualTo(WritePace.MOST_PER_TICK + 5);
        appended.addAndGet(WritePace.MOST_PER_TICK + 5);
        assertThat(pressure.isHigh()).isTrue();
        appended.addAndGet(1 - WritePace.MOST_PER_TICK);
        timer.tick();
        assertThat(pace.isHolding()).isTrue();
        assertThat(room()).isBetween(2 * WritePace.MOST_PER_TICK - 4, 2 * WritePace.MOST_PER_TICK);

        pace.givesBack(1);
        timer.tick();
        assertThat(pace.isHolding()).as("there is room again").isFalse();
        pace.givesBack(0);
        pressure.allow(0);

        pace.follow(BAND / 7, BAND, appended.get());
        timer.tick();
        assertThat(room()).isEqualTo(WritePace.MOST_PER_TICK / 2);
        timer.tick();
        assertThat(room()).as("what nobody takes is kept for one tick").isEqualTo(WritePace.MOST_PER_TICK);
        timer.tick();
        assertThat(room()).isEqualTo(WritePace.MOST_PER_TICK);

        appended.addAndGet(BAND);
        timer.tick();
        assertThat(room()).as("who took too much waits longer").isZero();

        pace.follow(100 * BAND, BAND, appended.get());
        int ticks = 0;
        while (room() == 0) {
            timer.tick();
            ticks++;
        }
        assertThat(ticks).as("it never comes to a full stop").isBetween(1, 1 << 20);

        pace.free();
        assertThat(room()).as("without a run").isEqualTo(Long.MAX_VALUE);
        timer.tick();
        assertThat(timer.isIdle()).as("without a run it does not tick").isTrue();
        pace.stop();
        assertThat(room()).isZero();
        assertThat(timer.isIdle()).isTrue();
    }

    private long room() {
        return pressure.roomBytes();
    }

    @Test
    void whoWaitsIsCalledWhenThereIsMoreRoom() {
        pressure.allowNothing();
        assertThat(pressure.isHigh()).isTrue();
        pressure.whenLower(this::wakeAgain);
        assertThat(woken).isZero();

        pressure.allowMore(0);
        assertThat(woken).as("called to look, and waits again").isEqualTo(1);
        pressure.allowMore(1);
        assertThat(woken).isEqualTo(2);
        pressure.allowAll();
        assertThat(woken).isEqualTo(2);
    }

    private void wakeAgain() {
        woken++;
        if (pressure.isHigh()) {
            pressure.whenLower(this::wakeAgain);
        }
    }

    /** One task at a time, each when the test says so. */
    private static final class Timer implements VolumeLoop {
        private @Nullable Runnable next;

        @Override
        public boolean inLoop() {
            return true;
        }

        @Override
        public void execute(Runnable task) {
            task.run();
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            assertThat(next).as("the task that waits already").isNull();
            assertThat(delayNanos).isEqualTo(WritePace.TICK_NANOS);
            next = task;
        }

        void tick() {
            Runnable task = Objects.requireNonNull(next);
            next = null;
            task.run();
        }

        boolean isIdle() {
            return next == null;
        }
    }

    @Test
    void whoWritesFasterThanCompactionIsSlowedDown() {
        StoreOptions options = new StoreOptions(16L * MIB, 16L * MIB, 16L * MIB, 64L * MIB, 2 * MIB).withBallast(0);
        SimulatedStore simulated = new SimulatedStore(1L << 30, options);
        VolumeId id = new VolumeId(1, 1);
        simulated.await(simulated.store().createVolume(id, 1L << 30));
        Volume volume = simulated.await(simulated.store().open(id));
        SplittableRandom random = new SplittableRandom(3);
        int held = 0;
        double most = 0;
        for (int i = 0; i < REQUESTS; i++) {
            long begun = simulated.nanoTime();
            simulated.awaitWritable(volume);
            long waited = simulated.nanoTime() - begun;
            assertThat(waited).isLessThan(MOST_TICKS * WritePace.TICK_NANOS);
            held += waited > WritePace.TICK_NANOS / 2 ? 1 : 0;
            long at = (long) random.nextInt(LIVE_REQUESTS) * REQUEST_BYTES;
            assertThat(simulated.write(volume, at, REQUEST_BYTES, i)).isEqualTo(IoStatus.OK);
            StoreUsage usage = simulated.store().usage();
            if (i > LIVE_REQUESTS) {
                most = Math.max(most, (double) (usage.liveBytes() + usage.deadBytes()) / usage.liveBytes());
            }
        }
        assertThat(held).as("waits, because it is faster than compaction").isPositive();
        assertThat(most).as("what files hold, in parts of what is live").isLessThan(1.6);
        simulated.store().close();
    }
}
