package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;

/** Images in the table of {@link Schema} that holds them. Any thread. */
final class ImageTable {
    private ImageTable() {}

    static Entries<ImageEntry> of(SqlFile file) {
        return EntryColumns.described(file, "image", ImageTable::image)
                .column("phase", ImageEntry::phase)
                .column("description", ImageEntry::description)
                .column("root_device_name", ImageEntry::rootDeviceName)
                .column(
                        "mappings",
                        image -> new JsonArray(image.mappings().stream()
                                        .map(ImageTable::json)
                                        .toList())
                                .encode())
                .column("created_at", image -> image.createdAt().toEpochMilli())
                .column(
                        "deprecated_at",
                        image -> image.deprecatedAt().map(Instant::toEpochMilli).orElse(null))
                .column("deregistration_protected", image -> image.deregistrationProtected() ? 1 : 0)
                .column("disabled", image -> image.disabled() ? 1 : 0)
                .column("recycled", image -> EntryColumns.recycled(image.recycled()));
    }

    private static ImageEntry image(ResultSet row) throws SQLException {
        return new ImageEntry(
                new ImageId(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                EntryColumns.label(row),
                row.getString("description"),
                row.getString("root_device_name"),
                new JsonArray(row.getString("mappings"))
                        .stream()
                                .map(JsonObject.class::cast)
                                .map(ImageTable::mapping)
                                .toList(),
                Instant.ofEpochMilli(row.getLong("created_at")),
                EntryColumns.instant(row, "deprecated_at"),
                row.getInt("deregistration_protected") != 0,
                row.getInt("disabled") != 0,
                EntryColumns.token(row),
                EntryColumns.recycled(row));
    }

    private static JsonObject json(BlockDeviceMapping mapping) {
        return new JsonObject()
                .put("deviceName", mapping.deviceName())
                .put("snapshot", mapping.snapshot().toString())
                .put("sizeGiB", mapping.sizeGiB())
                .put("volumeType", mapping.limits().volumeType())
                .put("iops", mapping.limits().iops())
                .put("throughputMiBps", mapping.limits().throughputMiBps())
                .put("deleteOnTermination", mapping.deleteOnTermination());
    }

    private static BlockDeviceMapping mapping(JsonObject json) {
        return new BlockDeviceMapping(
                json.getString("deviceName"),
                SnapshotId.parse(json.getString("snapshot")),
                json.getInteger("sizeGiB"),
                new VolumeLimits(
                        json.getString("volumeType"), json.getInteger("iops"), json.getInteger("throughputMiBps")),
                json.getBoolean("deleteOnTermination"));
    }
}
