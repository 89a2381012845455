package io.varve.api.control;

import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;

/** Instances in the table of {@link Schema} that holds them. Any thread. */
final class InstanceTable {
    private InstanceTable() {}

    static Entries<InstanceEntry> of(SqlFile file) {
        return EntryColumns.described(file, "instance", InstanceTable::instance)
                .column("life", InstanceEntry::life)
                .column(
                        "attachments",
                        instance -> new JsonArray(instance.attachments().stream()
                                        .map(InstanceTable::json)
                                        .toList())
                                .encode())
                .column("changed_at", instance -> instance.changedAt().toEpochMilli())
                .column(
                        "launch",
                        instance -> instance.launch().map(InstanceTable::json).orElse(null));
    }

    private static InstanceEntry instance(ResultSet row) throws SQLException {
        return new InstanceEntry(
                new InstanceId(row.getString("id")),
                EntryColumns.label(row),
                InstanceState.valueOf(row.getString("life")),
                new JsonArray(row.getString("attachments"))
                        .stream()
                                .map(JsonObject.class::cast)
                                .map(InstanceTable::attachment)
                                .toList(),
                Instant.ofEpochMilli(row.getLong("changed_at")),
                EntryColumns.json(row, "launch")
                        .map(json -> new InstanceEntry.Launch(new ImageId(json.getString("image")))),
                EntryColumns.token(row));
    }

    private static String json(InstanceEntry.Launch launch) {
        return new JsonObject().put("image", launch.image().text()).encode();
    }

    private static JsonObject json(Attachment attachment) {
        return new JsonObject()
                .put("volume", attachment.volume().toString())
                .put("deviceName", attachment.deviceName())
                .put("deleteOnTermination", attachment.deleteOnTermination())
                .put("detaching", attachment.detaching())
                .put("attachedAt", attachment.attachedAt());
    }

    private static Attachment attachment(JsonObject json) {
        return new Attachment(
                VolumeId.parse(json.getString("volume")),
                json.getString("deviceName"),
                json.getBoolean("deleteOnTermination"),
                json.getBoolean("detaching"),
                json.getInstant("attachedAt"));
    }
}
