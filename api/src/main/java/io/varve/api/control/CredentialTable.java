package io.varve.api.control;

import java.time.Instant;
import java.util.Optional;

/** Credentials in the table of {@link Schema} that holds them. Any thread. */
final class CredentialTable {
    private CredentialTable() {}

    static Entries<CredentialEntry> of(SqlFile file) {
        SqlFile.RowReader<CredentialEntry> reader = row -> new CredentialEntry(
                row.getString("id"),
                row.getString("kind"),
                Optional.ofNullable(row.getString("name")),
                row.getString("role"),
                row.getString("secret"),
                Instant.ofEpochMilli(row.getLong("created_at")));
        return new EntryTable<>(file, "credential", reader)
                .column("id", CredentialEntry::id)
                .column("kind", CredentialEntry::kind)
                .column("name", entry -> entry.name().orElse(null))
                .column("role", CredentialEntry::role)
                .column("secret", CredentialEntry::secret)
                .column("created_at", entry -> entry.createdAt().toEpochMilli());
    }
}
