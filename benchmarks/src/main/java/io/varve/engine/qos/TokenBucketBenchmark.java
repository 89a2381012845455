package io.varve.engine.qos;

import io.varve.benchmarks.AsServed;
import io.varve.engine.QosLimits;
import io.varve.engine.VolumeType;
import io.varve.engine.VolumeTypes;
import io.varve.engine.qos.Throttle.Direction;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * What throttling adds to a request: one question, and the payment where it may pass. A third more is asked for than
 * the limit allows, so that a quarter is told to wait. The clock's own cost is not in it: a request has its time
 * already.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TokenBucketBenchmark extends AsServed {
    private static final int BLOCK_BYTES = 4096;
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;
    private static final int SIZE_GIB = 100;
    private static final int VOLUMES = 10;

    /** The volume's limits; or, of a store: one volume alone, and ten that ask in turn for more than there is. */
    @Param({"none", "iops", "gp3", "gp2", "st1", "store", "short"})
    public String limits = "none";

    /** True if each request goes on where the last one ended. */
    @Param({"false", "true"})
    public boolean sequential;

    private Throttle[] throttles = new Throttle[0];
    private int next;
    private long stepNanos;
    private long nowNanos;
    private long offset;

    @Setup(Level.Trial)
    public void begin() {
        QosLimits chosen = switch (limits) {
            case "none" -> QosLimits.UNLIMITED;
            case "iops", "store", "short" -> new QosLimits(10_000, 100 * MIB);
            default -> of(VolumeTypes.BUILT_IN.get(limits));
        };
        throttles = new Throttle[limits.equals("short") ? VOLUMES : 1];
        for (int i = 0; i < throttles.length; i++) {
            throttles[i] = new Throttle(isOfStore() ? QosLimits.UNLIMITED : chosen, 0);
        }
        if (isOfStore()) {
            StoreShares shares = StoreShares.of(chosen, 0).orElseThrow();
            for (Throttle throttle : throttles) {
                throttle.share(shares.member(0));
            }
        }
        long allowed = chosen.iops() > 0 ? chosen.iops() : chosen.bytesPerSecond() / MIB;
        stepNanos = TimeUnit.SECONDS.toNanos(1) / Math.max(1, allowed) * 3 / 4;
    }

    private boolean isOfStore() {
        return limits.equals("store") || limits.equals("short");
    }

    private static QosLimits of(VolumeType type) {
        long sizeGiB = Math.max(SIZE_GIB, type.sizeGiB().least());
        return type.limits(sizeGiB, type.provision(sizeGiB, OptionalLong.empty(), OptionalLong.empty()));
    }

    @Benchmark
    public long admit() {
        nowNanos += stepNanos;
        offset = (sequential ? offset + BLOCK_BYTES : offset + 977L * BLOCK_BYTES) & (GIB - 1);
        next = next + 1 < throttles.length ? next + 1 : 0;
        return throttles[next].admit(nowNanos, nowNanos, Direction.WRITE, offset, BLOCK_BYTES);
    }
}
