package io.varve.api.aws.cloudwatch;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The metrics that there are: the registry that docs/aws.md is held against. What cannot be known is not here. */
enum Metric {
    READ_OPS("VolumeReadOps", "Count", always(m -> m.reads())),
    WRITE_OPS("VolumeWriteOps", "Count", always(m -> m.writes())),
    READ_BYTES("VolumeReadBytes", "Bytes", always(m -> m.readBytes())),
    WRITE_BYTES("VolumeWriteBytes", "Bytes", always(m -> m.writeBytes())),
    TOTAL_READ_TIME("VolumeTotalReadTime", "Seconds", always(m -> m.readNanos() / Metric.NANOS)),
    TOTAL_WRITE_TIME("VolumeTotalWriteTime", "Seconds", always(m -> m.writeNanos() / Metric.NANOS)),
    /** Little's law: what all requests waited together, spread over the minute. */
    QUEUE_LENGTH(
            "VolumeQueueLength",
            "Count",
            always(m -> (m.readNanos() + m.writeNanos()) / Metric.NANOS / MetricSamples.SECONDS)),
    CONSUMED_OPS("VolumeConsumedReadWriteOps", "Count", always(m -> m.ioUnits())),
    BURST_BALANCE("BurstBalance", "Percent", Reading::burstPercent),
    AVG_READ_LATENCY("VolumeAvgReadLatency", "Milliseconds", m -> latency(m.readNanos(), m.reads())),
    AVG_WRITE_LATENCY("VolumeAvgWriteLatency", "Milliseconds", m -> latency(m.writeNanos(), m.writes())),
    AVG_IOPS("VolumeAvgIOPS", "Count/Second", always(m -> (double) (m.reads() + m.writes()) / MetricSamples.SECONDS)),
    AVG_THROUGHPUT(
            "VolumeAvgThroughput",
            "Bytes/Second",
            always(m -> (double) (m.readBytes() + m.writeBytes()) / MetricSamples.SECONDS));

    private static final double NANOS = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;

    private final String text;
    private final String unit;

    @SuppressWarnings("ImmutableEnumChecker") // the functions hold nothing
    private final Function<Reading, OptionalDouble> value;

    Metric(String text, String unit, Function<Reading, OptionalDouble> value) {
        this.text = text;
        this.unit = unit;
        this.value = value;
    }

    private static Function<Reading, OptionalDouble> always(ToDoubleFunction<Reading> value) {
        return minute -> OptionalDouble.of(value.applyAsDouble(minute));
    }

    /** A minute without a request has none. */
    private static OptionalDouble latency(long nanos, long requests) {
        return requests == 0 ? OptionalDouble.empty() : OptionalDouble.of(nanos / NANOS_PER_MILLI / requests);
    }

    static Optional<Metric> of(String text) {
        return Arrays.stream(values())
                .filter(metric -> metric.text.equals(text))
                .findFirst();
    }

    String text() {
        return text;
    }

    String unit() {
        return unit;
    }

    /** What it was in a minute by how much the counters grew in it; empty if it was nothing at all. */
    OptionalDouble value(Reading minute) {
        return value.apply(minute);
    }
}
