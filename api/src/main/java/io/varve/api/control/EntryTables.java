package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** How entries stand in the tables of {@link Schema}, kind by kind. */
final class EntryTables {
    private EntryTables() {}

    static Entries<VolumeEntry> volumes(SqlFile file) {
        return described(file, "volume", EntryTables::volume)
                .column("volume_type", entry -> entry.limits().volumeType())
                .column("iops", entry -> entry.limits().iops())
                .column("throughput_mibps", entry -> entry.limits().throughputMiBps())
                .column("growing_to_bytes", VolumeEntry::growingToBytes)
                .column("phase", VolumeEntry::phase);
    }

    private static VolumeEntry volume(ResultSet row) throws SQLException {
        VolumeLimits limits =
                new VolumeLimits(row.getString("volume_type"), row.getInt("iops"), row.getInt("throughput_mibps"));
        return new VolumeEntry(
                VolumeId.parse(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                label(row),
                limits,
                row.getLong("growing_to_bytes"),
                token(row));
    }

    static Entries<SnapshotEntry> snapshots(SqlFile file) {
        return described(file, "snapshot", EntryTables::snapshot)
                .column("description", SnapshotEntry::description)
                .column("phase", SnapshotEntry::phase);
    }

    private static SnapshotEntry snapshot(ResultSet row) throws SQLException {
        return new SnapshotEntry(
                SnapshotId.parse(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                label(row),
                row.getString("description"),
                token(row));
    }

    /** A table with what every kind has. */
    private static <T extends Entry<?>> EntryTable<T> described(
            SqlFile file, String table, SqlFile.RowReader<T> reader) {
        return new EntryTable<>(file, table, reader)
                .column("id", Entry::id)
                .column("name", entry -> entry.label().name().orElse(null))
                .column("tags", entry -> tags(entry.label()))
                .column(
                        "client_token",
                        entry -> entry.clientToken().map(ClientToken::token).orElse(null))
                .column(
                        "parameters",
                        entry ->
                                entry.clientToken().map(ClientToken::parameters).orElse(null));
    }

    private static Label label(ResultSet row) throws SQLException {
        Map<String, String> tags = new HashMap<>();
        new JsonObject(row.getString("tags")).forEach(tag -> tags.put(tag.getKey(), String.valueOf(tag.getValue())));
        return new Label(Optional.ofNullable(row.getString("name")), tags);
    }

    private static String tags(Label label) {
        JsonObject tags = new JsonObject();
        label.tags().forEach(tags::put);
        return tags.encode();
    }

    private static Optional<ClientToken> token(ResultSet row) throws SQLException {
        String parameters = row.getString("parameters");
        return Optional.ofNullable(row.getString("client_token")).map(token -> new ClientToken(token, parameters));
    }
}
