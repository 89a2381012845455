package io.varve.api.control;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;

/** Imports in the table of {@link Schema} that holds them. Any thread. */
final class ImportTable {
    private ImportTable() {}

    static Entries<ImportEntry> of(SqlFile file) {
        return EntryColumns.described(file, "import", ImportTable::importEntry)
                .column("description", ImportEntry::description)
                .column("volume", ImportEntry::volume)
                .column("snapshot", ImportEntry::snapshot)
                .column("source", entry -> entry.source().orElse(null))
                .column("received_bytes", entry -> entry.progress().receivedBytes())
                .column("next_offset", entry -> entry.progress().nextOffset())
                .column("digest", entry -> entry.progress().digest())
                .column("size_bytes", entry -> entry.progress().sizeBytes())
                .column("touched_at", entry -> entry.touchedAt().toEpochMilli())
                .column("image", entry -> entry.image().map(ImportTable::json).orElse(null))
                .column("completed", entry -> entry.completed() ? 1 : 0);
    }

    private static ImportEntry importEntry(ResultSet row) throws SQLException {
        return new ImportEntry(
                new ImportId(row.getString("id")),
                EntryColumns.label(row),
                row.getString("description"),
                VolumeId.parse(row.getString("volume")),
                SnapshotId.parse(row.getString("snapshot")),
                Optional.ofNullable(row.getString("source")).map(SnapshotId::parse),
                new ImportEntry.Progress(
                        row.getLong("received_bytes"),
                        row.getLong("next_offset"),
                        row.getString("digest"),
                        row.getLong("size_bytes")),
                Instant.ofEpochMilli(row.getLong("touched_at")),
                Optional.ofNullable(row.getString("image")).map(ImportTable::diskImage),
                row.getInt("completed") != 0,
                EntryColumns.token(row));
    }

    private static String json(ImportEntry.Image image) {
        JsonObject json = new JsonObject()
                .put("file", image.file())
                .put("format", image.format().text());
        image.failure().ifPresent(failure -> json.put("failure", failure));
        return json.encode();
    }

    private static ImportEntry.Image diskImage(String text) {
        JsonObject json = new JsonObject(text);
        return new ImportEntry.Image(
                json.getString("file"),
                DiskImageFormat.parse(json.getString("format")),
                Optional.ofNullable(json.getString("failure")));
    }
}
