package io.varve.api.control;

import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Volumes in the table of {@link Schema} that holds them. Any thread. */
final class VolumeTable {
    private VolumeTable() {}

    static Entries<VolumeEntry> of(SqlFile file) {
        return EntryColumns.described(file, "volume", VolumeTable::volume)
                .column("volume_type", entry -> entry.limits().volumeType())
                .column("iops", entry -> entry.limits().iops())
                .column("throughput_mibps", entry -> entry.limits().throughputMiBps())
                .column("minimum_iops", entry -> entry.share().minimumIops())
                .column("weight", entry -> entry.share().weight())
                .column("multi_attach", entry -> entry.multiAttach() ? 1 : 0)
                .column("growing_to_bytes", VolumeEntry::growingToBytes)
                .column("phase", VolumeEntry::phase)
                .column("copy", entry -> entry.copy().map(VolumeTable::json).orElse(null))
                .column("recycled", entry -> EntryColumns.recycled(entry.recycled()))
                .column("modifications", entry -> VolumeModificationColumn.text(entry.modifications()));
    }

    private static VolumeEntry volume(ResultSet row) throws SQLException {
        VolumeLimits limits =
                new VolumeLimits(row.getString("volume_type"), row.getInt("iops"), row.getInt("throughput_mibps"));
        return new VolumeEntry(
                VolumeId.parse(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                EntryColumns.label(row),
                limits,
                new QosShare(row.getLong("minimum_iops"), row.getInt("weight")),
                row.getInt("multi_attach") != 0,
                row.getLong("growing_to_bytes"),
                EntryColumns.token(row),
                EntryColumns.json(row, "copy")
                        .map(copy -> new VolumeEntry.Copy(
                                VolumeId.parse(copy.getString("of")), SnapshotId.parse(copy.getString("by")))),
                EntryColumns.recycled(row),
                VolumeModificationColumn.read(row.getString("modifications")));
    }

    private static String json(VolumeEntry.Copy copy) {
        return new JsonObject()
                .put("of", copy.of().toString())
                .put("by", copy.by().toString())
                .encode();
    }
}
