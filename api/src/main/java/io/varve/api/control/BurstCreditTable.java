package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.time.Instant;

/** Burst credits in the table of {@link Schema} that holds them. Any thread. */
final class BurstCreditTable {
    private BurstCreditTable() {}

    static Entries<BurstCredit> of(SqlFile file) {
        SqlFile.RowReader<BurstCredit> reader = row -> new BurstCredit(
                VolumeId.parse(row.getString("id")),
                row.getString("volume_type"),
                row.getLong("credits"),
                Instant.ofEpochMilli(row.getLong("saved_at")));
        return new EntryTable<>(file, "burst_credit", reader)
                .column("id", BurstCredit::id)
                .column("volume_type", BurstCredit::volumeType)
                .column("credits", BurstCredit::credits)
                .column("saved_at", credit -> credit.savedAt().toEpochMilli());
    }
}
