package io.varve.api.control;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.SnapshotId;
import java.time.Instant;
import java.util.Optional;

/** Exports of disk images in the table of {@link Schema} that holds them. Any thread. */
final class ExportTable {
    private ExportTable() {}

    static Entries<DiskImageExport> of(SqlFile file) {
        SqlFile.RowReader<DiskImageExport> reader = row -> new DiskImageExport(
                new ExportId(row.getString("id")),
                SnapshotId.parse(row.getString("snapshot")),
                row.getString("file"),
                DiskImageFormat.parse(row.getString("format")),
                Instant.ofEpochMilli(row.getLong("started_at")),
                row.getInt("completed") != 0,
                Optional.ofNullable(row.getString("failure")));
        return new EntryTable<>(file, "export", reader)
                .column("id", DiskImageExport::id)
                .column("snapshot", DiskImageExport::snapshot)
                .column("file", DiskImageExport::file)
                .column("format", export -> export.format().text())
                .column("started_at", export -> export.startedAt().toEpochMilli())
                .column("completed", export -> export.completed() ? 1 : 0)
                .column("failure", export -> export.failure().orElse(null));
    }
}
