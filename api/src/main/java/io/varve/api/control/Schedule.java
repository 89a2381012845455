package io.varve.api.control;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;

/**
 * When something is due: every so many minutes since the epoch, or each day at some times, in UTC.
 *
 * @param everyMinutes from 1 to {@link #MOST_MINUTES}; 0 for {@code times}
 * @param times in order; empty for {@code everyMinutes}
 */
public record Schedule(int everyMinutes, List<LocalTime> times) {
    /** 30 days. */
    public static final int MOST_MINUTES = 43_200;

    public Schedule {
        times = times.stream().sorted().distinct().toList();
    }

    /** The last time that it was due, {@code now} included. */
    Instant latest(Instant now) {
        if (everyMinutes > 0) {
            long step = Duration.ofMinutes(everyMinutes).toSeconds();
            return Instant.ofEpochSecond(Math.floorDiv(now.getEpochSecond(), step) * step);
        }
        LocalDate today = LocalDate.ofInstant(now, ZoneOffset.UTC);
        Instant latest = at(today.minusDays(1), times.get(times.size() - 1));
        for (LocalTime time : times) {
            Instant due = at(today, time);
            latest = due.isAfter(now) ? latest : due;
        }
        return latest;
    }

    /** The next time after {@code now}. */
    public Instant next(Instant now) {
        if (everyMinutes > 0) {
            return latest(now).plus(Duration.ofMinutes(everyMinutes));
        }
        LocalDate today = LocalDate.ofInstant(now, ZoneOffset.UTC);
        return times.stream()
                .map(time -> at(today, time))
                .filter(due -> due.isAfter(now))
                .findFirst()
                .orElseGet(() -> at(today.plusDays(1), times.get(0)));
    }

    private static Instant at(LocalDate day, LocalTime time) {
        return day.atTime(time).toInstant(ZoneOffset.UTC);
    }
}
