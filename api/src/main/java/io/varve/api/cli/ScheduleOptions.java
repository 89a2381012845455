package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** When a lifecycle policy takes snapshots, and which it keeps. */
final class ScheduleOptions {
    @Option(names = "--every-minutes", paramLabel = "N", description = "Every so many minutes; 60 is on the hour.")
    private @Nullable Integer everyMinutes;

    @Option(names = "--at", paramLabel = "HH:MM", description = "Each day at this time, UTC; may be given many times.")
    private List<String> times = List.of();

    @Option(names = "--keep-count", paramLabel = "N", description = "Keep the newest N of each volume.")
    private @Nullable Integer count;

    @Option(names = "--keep-days", paramLabel = "N", description = "Keep those that are younger than N days.")
    private @Nullable Integer days;

    void putInto(JsonObject body) {
        JsonObject schedule = new JsonObject();
        Fields.put(schedule, "everyMinutes", everyMinutes);
        Fields.put(schedule, "times", times.isEmpty() ? null : times);
        Fields.put(body, "schedule", schedule.isEmpty() ? null : schedule);
        JsonObject keep = new JsonObject();
        Fields.put(keep, "count", count);
        Fields.put(keep, "days", days);
        Fields.put(body, "keep", keep.isEmpty() ? null : keep);
    }
}
