package io.varve.api.control;

import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Columns that several kinds of entries have in the tables of {@link Schema}, and how they are read. Any thread. */
final class EntryColumns {
    private EntryColumns() {}

    /** A table with what every kind has. */
    static <T extends Entry<?>> EntryTable<T> described(SqlFile file, String table, SqlFile.RowReader<T> reader) {
        return new EntryTable<>(file, table, reader)
                .column("id", Entry::id)
                .column("name", entry -> entry.label().name().orElse(null))
                .column("tags", entry -> tags(entry.label().tags()))
                .column(
                        "client_token",
                        entry -> entry.clientToken().map(ClientToken::token).orElse(null))
                .column(
                        "parameters",
                        entry ->
                                entry.clientToken().map(ClientToken::parameters).orElse(null));
    }

    static Label label(ResultSet row) throws SQLException {
        return new Label(Optional.ofNullable(row.getString("name")), tags(row.getString("tags")));
    }

    static Map<String, String> tags(String json) {
        Map<String, String> tags = new TreeMap<>();
        new JsonObject(json).forEach(tag -> tags.put(tag.getKey(), String.valueOf(tag.getValue())));
        return tags;
    }

    static String tags(Map<String, String> tags) {
        JsonObject json = new JsonObject();
        tags.forEach(json::put);
        return json.encode();
    }

    /** An instant, if there is one. */
    static Optional<Instant> instant(ResultSet row, String column) throws SQLException {
        long millis = row.getLong(column);
        return row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
    }

    static Optional<JsonObject> json(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getString(column)).map(JsonObject::new);
    }

    static Optional<Recycled> recycled(ResultSet row) throws SQLException {
        return json(row, "recycled")
                .map(json -> new Recycled(
                        json.getInstant("since"), json.getInstant("until"), new RuleId(json.getString("rule"))));
    }

    static @Nullable String recycled(Optional<Recycled> recycled) {
        return recycled.map(json -> new JsonObject()
                        .put("since", json.since())
                        .put("until", json.until())
                        .put("rule", json.rule().text())
                        .encode())
                .orElse(null);
    }

    static Optional<ClientToken> token(ResultSet row) throws SQLException {
        String parameters = row.getString("parameters");
        return Optional.ofNullable(row.getString("client_token")).map(token -> new ClientToken(token, parameters));
    }
}
