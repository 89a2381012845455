package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/** Snapshots in the table of {@link Schema} that holds them. Any thread. */
final class SnapshotTable {
    private SnapshotTable() {}

    static Entries<SnapshotEntry> of(SqlFile file) {
        return EntryColumns.described(file, "snapshot", SnapshotTable::snapshot)
                .column("description", SnapshotEntry::description)
                .column("phase", SnapshotEntry::phase)
                .column("copy", entry -> entry.copy().map(SnapshotTable::json).orElse(null))
                .column(
                        "upload",
                        entry -> entry.upload().map(SnapshotTable::json).orElse(null))
                .column("lock", entry -> entry.lock().map(SnapshotTable::json).orElse(null))
                .column("recycled", entry -> EntryColumns.recycled(entry.recycled()));
    }

    private static SnapshotEntry snapshot(ResultSet row) throws SQLException {
        return new SnapshotEntry(
                SnapshotId.parse(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                EntryColumns.label(row),
                row.getString("description"),
                EntryColumns.token(row),
                EntryColumns.json(row, "copy")
                        .map(copy -> new SnapshotEntry.Copy(
                                SnapshotId.parse(copy.getString("of")),
                                VolumeId.parse(copy.getString("volume")),
                                VolumeId.parse(copy.getString("by")))),
                EntryColumns.json(row, "upload").map(SnapshotTable::upload),
                EntryColumns.json(row, "lock").map(SnapshotTable::lock),
                EntryColumns.recycled(row));
    }

    private static String json(SnapshotEntry.Copy copy) {
        return new JsonObject()
                .put("of", copy.of().toString())
                .put("volume", copy.volume().toString())
                .put("by", copy.by().toString())
                .encode();
    }

    private static String json(SnapshotEntry.Upload upload) {
        return new JsonObject()
                .put("volume", upload.volume().toString())
                .put("parent", upload.parent().map(SnapshotId::toString).orElse(null))
                .put("sizeBytes", upload.sizeBytes())
                .put("timeoutMinutes", upload.timeoutMinutes())
                .put("startedAt", upload.startedAt())
                .put("progressPercent", upload.progressPercent())
                .put("failure", upload.failure().orElse(null))
                .encode();
    }

    private static SnapshotEntry.Upload upload(JsonObject json) {
        return new SnapshotEntry.Upload(
                VolumeId.parse(json.getString("volume")),
                Optional.ofNullable(json.getString("parent")).map(SnapshotId::parse),
                json.getLong("sizeBytes"),
                json.getInteger("timeoutMinutes"),
                json.getInstant("startedAt"),
                json.getInteger("progressPercent"),
                Optional.ofNullable(json.getString("failure")));
    }

    private static String json(SnapshotLock lock) {
        return new JsonObject()
                .put("mode", lock.mode())
                .put("createdAt", lock.createdAt())
                .put("startedAt", lock.startedAt())
                .put("coolOffHours", lock.coolOffHours())
                .put("expiresAt", lock.expiresAt())
                .encode();
    }

    private static SnapshotLock lock(JsonObject json) {
        return new SnapshotLock(
                SnapshotLock.Mode.valueOf(json.getString("mode")),
                json.getInstant("createdAt"),
                json.getInstant("startedAt", json.getInstant("createdAt")), // rows of earlier versions have none
                json.getInteger("coolOffHours"),
                json.getInstant("expiresAt"));
    }
}
