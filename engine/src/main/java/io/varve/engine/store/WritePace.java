package io.varve.engine.store;

import io.varve.engine.VolumeLoop;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How fast volumes may write, all together, while compaction runs: the more their files hold, the slower, by halves. So
 * whoever writes faster than compaction can keep up with comes to its pace, whatever that is on the machine at hand, and
 * is not stopped for whole runs of it. On a disk that is nearly full writes are stopped.
 *
 * <p>What was written since the last look counts as held, and what a run gives back as given back when it is copied.
 * Methods without a note may be called on any thread; the pressure is changed on the timer's loop only.
 */
final class WritePace {
    static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    /** Bytes given per tick where writes begin to be held back: about a GB/s. */
    static final long MOST_PER_TICK = 2 << 20;
    /** How often that is halved over the whole band. */
    private static final double HALVINGS = 7;

    private static final double MOST_BANDS = 2;

    private final SpacePressure pressure;
    private final VolumeLoop timer;
    private volatile @Nullable Level level;
    /** Without a level: nothing may be written. */
    private volatile boolean stopped;

    private volatile long givenBack;
    private volatile boolean holding;
    /** Loop only. */
    private boolean ticking;

    /** See {@link #follow}. */
    private record Level(long overBytes, long bandBytes, long appendedBefore) {}

    WritePace(SpacePressure pressure, VolumeLoop timer) {
        this.pressure = pressure;
        this.timer = timer;
    }

    /**
     * A run goes on, and this is what files hold without it.
     *
     * @param overBytes by how much they exceed what they may hold without writes being held back; negative: room
     * @param bandBytes over which writes come to a near standstill
     * @param appendedBefore what was appended to all logs when that was so
     */
    void follow(long overBytes, long bandBytes, long appendedBefore) {
        level = new Level(overBytes, bandBytes, appendedBefore);
        timer.execute(this::begin);
    }

    /** So much of what the run gives back is about to come. */
    void givesBack(long bytes) {
        givenBack = bytes;
    }

    /** Nothing may be written. */
    void stop() {
        end(true);
    }

    /** Anything may be written. */
    void free() {
        end(false);
    }

    private void end(boolean isStopped) {
        stopped = isStopped;
        level = null;
        timer.execute(this::apply);
    }

    /** True if writes are held back. */
    boolean isHolding() {
        return holding;
    }

    private void begin() {
        if (!ticking) {
            tick();
        }
    }

    private void tick() {
        ticking = apply();
        if (ticking) {
            timer.schedule(this::tick, TICK_NANOS);
        }
    }

    /** Returns false if there is nothing to follow. */
    private boolean apply() {
        Level now = level;
        if (now == null) {
            holding = stopped;
            if (stopped) {
                pressure.allowNothing();
            } else {
                pressure.allowAll();
            }
            return false;
        }
        long over = now.overBytes + pressure.appendedBytes() - now.appendedBefore - givenBack;
        holding = over > 0;
        if (over <= 0) {
            pressure.allow(MOST_PER_TICK - over);
        } else {
            double bands = Math.min(MOST_BANDS, (double) over / now.bandBytes);
            pressure.allowMore((long) (MOST_PER_TICK * Math.pow(2, -HALVINGS * bands)));
        }
        return true;
    }
}
