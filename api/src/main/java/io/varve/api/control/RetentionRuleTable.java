package io.varve.api.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;

/** Retention rules in the table of {@link Schema} that holds them. Any thread. */
final class RetentionRuleTable {
    private RetentionRuleTable() {}

    static Entries<RetentionRule> of(SqlFile file) {
        return EntryColumns.described(file, "retention_rule", RetentionRuleTable::retentionRule)
                .column("description", RetentionRule::description)
                .column("resource", RetentionRule::resource)
                .column("resource_tags", rule -> EntryColumns.tags(rule.resourceTags()))
                .column("retention_days", RetentionRule::retentionDays)
                .column("unlock_delay_days", rule -> rule.lock().unlockDelayDays())
                .column(
                        "unlocked_at",
                        rule -> rule.lock()
                                .unlockedAt()
                                .map(Instant::toEpochMilli)
                                .orElse(null));
    }

    private static RetentionRule retentionRule(ResultSet row) throws SQLException {
        return new RetentionRule(
                new RuleId(row.getString("id")),
                EntryColumns.label(row),
                row.getString("description"),
                RetentionRule.Resource.valueOf(row.getString("resource")),
                EntryColumns.tags(row.getString("resource_tags")),
                row.getInt("retention_days"),
                new RetentionRule.Lock(row.getInt("unlock_delay_days"), EntryColumns.instant(row, "unlocked_at")),
                EntryColumns.token(row));
    }
}
