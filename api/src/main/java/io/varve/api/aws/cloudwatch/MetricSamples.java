package io.varve.api.aws.cloudwatch;

import io.varve.engine.BlockStore;
import io.varve.engine.VolumeId;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * What each volume did in each of the last {@link #MINUTES} minutes, for at most {@link #VOLUMES} volumes at once:
 * about 25 KB a volume that has a full history, 50 MB at the most. Kept in memory only; a volume that never was opened
 * takes nothing. Thread-safe.
 */
public final class MetricSamples {
    /** How far back samples go. */
    static final int MINUTES = 180;

    /** How many volumes have samples; the next one has none until those of one that was deleted have aged away. */
    static final int VOLUMES = 2_000;

    /** The length of a sample. */
    static final int SECONDS = 60;

    private final Supplier<List<Reading>> source;
    private final InstantSource clock;
    private final Map<VolumeId, History> histories = new TreeMap<>(Comparator.comparing(VolumeId::toString));
    private long minute;

    MetricSamples(Supplier<List<Reading>> source, InstantSource clock) {
        this.source = source;
        this.clock = clock;
        minute = now();
    }

    /** Of the volumes of a store, from now on. */
    public static MetricSamples of(BlockStore store, InstantSource clock) {
        return new MetricSamples(() -> Reading.all(store), clock);
    }

    private long now() {
        return Math.floorDiv(clock.instant().getEpochSecond(), SECONDS);
    }

    /**
     * Takes a sample if a minute has ended. To be called about once a second; one that comes late gives what was done
     * meanwhile to the minute in which the last one was taken, so that sums stay true.
     */
    public void tick() {
        long now = now();
        if (sampled(now)) {
            return;
        }
        List<Reading> readings = source.get();
        synchronized (this) {
            long ended = minute;
            minute = now;
            for (Reading reading : readings) {
                if (histories.containsKey(reading.volume()) || histories.size() < VOLUMES) {
                    histories
                            .computeIfAbsent(reading.volume(), id -> new History(reading.volume()))
                            .add(ended, reading);
                }
            }
            histories.values().removeIf(history -> history.agedAway(now));
        }
    }

    private synchronized boolean sampled(long now) {
        return now == minute;
    }

    /** The volumes that have samples, in the order of their ids. */
    synchronized List<VolumeId> volumes() {
        return List.copyOf(histories.keySet());
    }

    /** The metrics of which a volume has samples. */
    synchronized List<Metric> metrics(VolumeId volume) {
        History history = histories.get(volume);
        return history == null ? List.of() : history.metrics();
    }

    /**
     * A metric in periods, by the seconds since 1970 at which they begin.
     *
     * @param from the first second, inclusive; of the period that it is in, all is given
     * @param to the last second, exclusive
     * @param period in seconds, a multiple of {@link #SECONDS}
     */
    synchronized NavigableMap<Long, DoubleSummaryStatistics> periods(
            VolumeId volume, Metric metric, long from, long to, int period) {
        NavigableMap<Long, DoubleSummaryStatistics> periods = new TreeMap<>();
        History history = histories.get(volume);
        if (history != null) {
            long first = Math.floorDiv(from, period) * period;
            for (Sample sample : history.samples) {
                long second = sample.minute * SECONDS;
                if (second >= first && second < to) {
                    metric.value(sample.growth)
                            .ifPresent(value -> periods.computeIfAbsent(
                                            Math.floorDiv(second, period) * period,
                                            begin -> new DoubleSummaryStatistics())
                                    .accept(value));
                }
            }
        }
        return periods;
    }

    private record Sample(long minute, Reading growth) {}

    /** Of one volume. Guarded by the samples' lock. */
    private static final class History {
        private final Deque<Sample> samples = new ArrayDeque<>();
        private Reading last;

        /** The counters began with this process, at nothing. */
        History(VolumeId volume) {
            last = new Reading(volume, 0, 0, 0, 0, 0, 0, 0, OptionalDouble.empty());
        }

        /** A clock that went back may give a minute twice: both are kept, and the sum over them stays true. */
        void add(long minute, Reading reading) {
            samples.addLast(new Sample(minute, reading.since(last)));
            last = reading;
            if (samples.size() > MINUTES) {
                samples.removeFirst();
            }
        }

        boolean agedAway(long now) {
            return samples.isEmpty() || samples.getLast().minute < now - MINUTES;
        }

        List<Metric> metrics() {
            return Arrays.stream(Metric.values())
                    .filter(metric -> samples.stream()
                            .anyMatch(sample -> metric.value(sample.growth).isPresent()))
                    .toList();
        }
    }
}
