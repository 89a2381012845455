package io.varve.api.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.varve.engine.BlockStore;
import io.varve.engine.LatencyHistogram;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeCounters.Operation;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counters and latency histograms of every volume that was opened in this process, read from the engine at each
 * scrape: the data path pays nothing for them.
 */
final class VolumeCollector implements MultiCollector {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final List<Double> BOUNDS = bounds();

    private static final Logger LOG = LoggerFactory.getLogger(VolumeCollector.class);

    private final BlockStore store;

    VolumeCollector(BlockStore store) {
        this.store = store;
    }

    @Override
    public MetricSnapshots collect() {
        CounterSnapshot.Builder operations =
                counter("varve_volume_operations", "Requests finished, successfully or not.");
        CounterSnapshot.Builder bytes = counter("varve_volume_bytes", "Bytes of the requests that succeeded.");
        CounterSnapshot.Builder errors = counter("varve_volume_errors", "Requests that failed.");
        HistogramSnapshot.Builder latency = HistogramSnapshot.builder()
                .name("varve_volume_latency_seconds")
                .help("Time from request to completion, throttling included.");
        for (VolumeRecord volume : store.volumes()) {
            store.counters(volume.id()).ifPresent(counters -> {
                for (Operation operation : Operation.values()) {
                    Labels labels = labels(volume.id(), operation);
                    LatencyHistogram histogram = counters.latency(operation);
                    operations.dataPoint(point(labels, histogram.totalCount()));
                    bytes.dataPoint(point(labels, counters.bytes(operation)));
                    errors.dataPoint(point(labels, counters.errors(operation)));
                    latency.dataPoint(latency(labels, histogram));
                }
            });
        }
        return MetricSnapshots.builder()
                .metricSnapshot(operations.build())
                .metricSnapshot(bytes.build())
                .metricSnapshot(errors.build())
                .metricSnapshot(latency.build())
                .metricSnapshot(internal("varve_volume_log_bytes", "Bytes appended to the log.", c -> c.logBytes.get()))
                .metricSnapshot(
                        internal("varve_volume_log_appends", "Gathered writes of the log.", c -> c.logAppends.get()))
                .metricSnapshot(internal("varve_volume_log_syncs", "Syncs of the log.", c -> c.logSyncs.get()))
                .metricSnapshot(internal(
                        "varve_volume_map_pages_read", "Map pages brought in from storage.", c -> c.mapPagesRead.get()))
                .metricSnapshot(internal(
                        "varve_volume_checksum_mismatches",
                        "Blocks whose check value did not match what storage returned.",
                        c -> c.checksumMismatches.get()))
                .metricSnapshot(internal(
                        "varve_volume_io_units",
                        "I/O units let in, as the volume's type counts them.",
                        c -> c.ioUnits.get()))
                .metricSnapshot(throttled())
                .metricSnapshot(burstBalance())
                .metricSnapshot(provisioned())
                .metricSnapshot(used())
                .metricSnapshot(exclusive())
                .metricSnapshot(snapshotsExclusive())
                .build();
    }

    private CounterSnapshot internal(String name, String help, ToLongFunction<VolumeCounters> value) {
        CounterSnapshot.Builder counter = counter(name, help);
        for (VolumeRecord volume : store.volumes()) {
            store.counters(volume.id())
                    .ifPresent(counters -> counter.dataPoint(point(labels(volume.id()), value.applyAsLong(counters))));
        }
        return counter.build();
    }

    private CounterSnapshot throttled() {
        CounterSnapshot.Builder counter = counter(
                "varve_volume_throttled_seconds", "Time in which requests waited because of the volume's limits.");
        for (VolumeRecord volume : store.volumes()) {
            store.counters(volume.id())
                    .ifPresent(counters -> counter.dataPoint(CounterSnapshot.CounterDataPointSnapshot.builder()
                            .labels(labels(volume.id()))
                            .value(counters.throttledNanos.get() / NANOS_PER_SECOND)
                            .build()));
        }
        return counter.build();
    }

    private GaugeSnapshot burstBalance() {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder()
                .name("varve_volume_burst_balance_percent")
                .help("Saved burst credits of gp2, st1 and sc1 volumes, from 0 to 100.");
        for (VolumeRecord volume : store.volumes()) {
            try {
                store.burstBalance(volume.id())
                        .ifPresent(balance -> gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                                .labels(labels(volume.id()))
                                .value(balance.percent())
                                .build()));
            } catch (StoreException e) {
                LOG.debug("volume {} was deleted while it was looked at", volume.id(), e);
            }
        }
        return gauge.build();
    }

    private GaugeSnapshot provisioned() {
        return gauge("varve_volume_size_bytes", "Size of the volume.", VolumeRecord::sizeBytes);
    }

    private GaugeSnapshot used() {
        return gauge(
                "varve_volume_used_bytes",
                "Bytes that the volume can read, shared or not.",
                volume -> store.usage(volume.id()).usedBytes());
    }

    private GaugeSnapshot exclusive() {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder()
                .name("varve_volume_exclusive_bytes")
                .help("Bytes that only this volume can read, as of a checkpoint.");
        for (VolumeRecord volume : store.volumes()) {
            addExclusive(gauge, labels(volume.id()), () -> store.usage(volume.id()));
        }
        return gauge.build();
    }

    private GaugeSnapshot snapshotsExclusive() {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder()
                .name("varve_snapshot_exclusive_bytes")
                .help("Bytes that only this snapshot can read, as of a checkpoint.");
        for (SnapshotRecord snapshot : store.snapshots()) {
            Labels labels = Labels.of("snapshot", snapshot.id().toString());
            addExclusive(gauge, labels, () -> store.usage(snapshot.id()));
        }
        return gauge.build();
    }

    private static void addExclusive(GaugeSnapshot.Builder gauge, Labels labels, Supplier<VolumeUsage> usage) {
        try {
            usage.get()
                    .exclusiveBytes()
                    .ifPresent(bytes -> gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                            .labels(labels)
                            .value((double) bytes)
                            .build()));
        } catch (StoreException e) {
            LOG.debug("{} was deleted while it was looked at", labels, e);
        }
    }

    private GaugeSnapshot gauge(String name, String help, ToLongFunction<VolumeRecord> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        for (VolumeRecord volume : store.volumes()) {
            try {
                gauge.dataPoint(GaugeSnapshot.GaugeDataPointSnapshot.builder()
                        .labels(labels(volume.id()))
                        .value((double) value.applyAsLong(volume))
                        .build());
            } catch (StoreException e) {
                LOG.debug("volume {} was deleted while it was looked at", volume.id(), e);
            }
        }
        return gauge.build();
    }

    private static HistogramSnapshot.HistogramDataPointSnapshot latency(Labels labels, LatencyHistogram histogram) {
        List<Number> counts = new ArrayList<>();
        for (int bucket = 0; bucket < LatencyHistogram.BUCKETS; bucket++) {
            counts.add(histogram.count(bucket));
        }
        return HistogramSnapshot.HistogramDataPointSnapshot.builder()
                .labels(labels)
                .classicHistogramBuckets(ClassicHistogramBuckets.of(BOUNDS, counts))
                .sum(histogram.sumNanos() / NANOS_PER_SECOND)
                .build();
    }

    private static List<Double> bounds() {
        List<Double> bounds = new ArrayList<>();
        for (int bucket = 0; bucket < LatencyHistogram.BUCKETS - 1; bucket++) {
            bounds.add(LatencyHistogram.upperBoundNanos(bucket) / NANOS_PER_SECOND);
        }
        bounds.add(Double.POSITIVE_INFINITY);
        return bounds;
    }

    private static CounterSnapshot.Builder counter(String name, String help) {
        return CounterSnapshot.builder().name(name).help(help);
    }

    private static CounterSnapshot.CounterDataPointSnapshot point(Labels labels, long value) {
        return CounterSnapshot.CounterDataPointSnapshot.builder()
                .labels(labels)
                .value((double) value)
                .build();
    }

    private static Labels labels(VolumeId id) {
        return Labels.of("volume", id.toString());
    }

    private static Labels labels(VolumeId id, Operation operation) {
        return Labels.of("volume", id.toString(), "operation", operation.name().toLowerCase(Locale.ROOT));
    }
}
