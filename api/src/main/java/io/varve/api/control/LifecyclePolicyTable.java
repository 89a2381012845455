package io.varve.api.control;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalTime;
import java.util.List;
import java.util.function.Function;

/** Lifecycle policies in the table of {@link Schema} that holds them. Any thread. */
final class LifecyclePolicyTable {
    private LifecyclePolicyTable() {}

    static Entries<LifecyclePolicy> of(SqlFile file) {
        return EntryColumns.described(file, "lifecycle_policy", LifecyclePolicyTable::lifecyclePolicy)
                .column("description", LifecyclePolicy::description)
                .column("enabled", policy -> policy.enabled() ? 1 : 0)
                .column("target_tags", policy -> EntryColumns.tags(policy.targetTags()))
                .column("every_minutes", policy -> policy.schedule().everyMinutes())
                .column("times", policy -> texts(policy.schedule().times()).encode())
                .column("keep_count", policy -> policy.keep().count())
                .column("keep_days", policy -> policy.keep().days())
                .column("snapshot_tags", policy -> EntryColumns.tags(policy.snapshotTags()))
                .column("copy_tags", policy -> policy.copyTags() ? 1 : 0)
                .column("done_up_to", policy -> policy.doneUpTo().toEpochMilli())
                .column(
                        "last_run",
                        policy ->
                                policy.lastRun().map(LifecyclePolicyTable::json).orElse(null));
    }

    private static LifecyclePolicy lifecyclePolicy(ResultSet row) throws SQLException {
        return new LifecyclePolicy(
                new PolicyId(row.getString("id")),
                EntryColumns.label(row),
                row.getString("description"),
                row.getInt("enabled") != 0,
                EntryColumns.tags(row.getString("target_tags")),
                new Schedule(
                        row.getInt("every_minutes"), texts(new JsonArray(row.getString("times")), LocalTime::parse)),
                new LifecyclePolicy.Keep(row.getInt("keep_count"), row.getInt("keep_days")),
                EntryColumns.tags(row.getString("snapshot_tags")),
                row.getInt("copy_tags") != 0,
                Instant.ofEpochMilli(row.getLong("done_up_to")),
                EntryColumns.json(row, "last_run")
                        .map(run -> new LifecyclePolicy.Run(
                                run.getInstant("due"),
                                run.getInstant("at"),
                                texts(run.getJsonArray("errors"), error -> error))),
                EntryColumns.token(row));
    }

    private static String json(LifecyclePolicy.Run run) {
        return new JsonObject()
                .put("due", run.due())
                .put("at", run.at())
                .put("errors", texts(run.errors()))
                .encode();
    }

    private static JsonArray texts(List<?> values) {
        return new JsonArray(values.stream().map(String::valueOf).toList());
    }

    private static <T> List<T> texts(JsonArray json, Function<String, T> parse) {
        return json.stream().map(String::valueOf).map(parse).toList();
    }
}
