package io.varve.api.control;

import io.varve.engine.StoreException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;

/**
 * The tables of {@code control.db} and how they came to be: version n is what the first n migrations make of an empty
 * file. The version stands in SQLite's {@code user_version}.
 */
final class Schema {
    /** What this version of Varve reads and writes. */
    static final Schema CURRENT = new Schema(List.of(
            List.of("""
            CREATE TABLE volume (
              id TEXT PRIMARY KEY,
              phase TEXT NOT NULL,
              name TEXT,
              tags TEXT NOT NULL,
              volume_type TEXT NOT NULL,
              iops INTEGER NOT NULL,
              throughput_mibps INTEGER NOT NULL,
              growing_to_bytes INTEGER NOT NULL,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT""", """
            CREATE TABLE snapshot (
              id TEXT PRIMARY KEY,
              phase TEXT NOT NULL,
              name TEXT,
              tags TEXT NOT NULL,
              description TEXT NOT NULL,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT""", "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"),
            List.of("ALTER TABLE setting RENAME COLUMN key TO id"),
            List.of(
                    "ALTER TABLE volume ADD COLUMN copy TEXT",
                    "ALTER TABLE volume ADD COLUMN recycled TEXT",
                    "ALTER TABLE snapshot ADD COLUMN copy TEXT",
                    "ALTER TABLE snapshot ADD COLUMN lock TEXT",
                    "ALTER TABLE snapshot ADD COLUMN recycled TEXT",
                    """
            CREATE TABLE retention_rule (
              id TEXT PRIMARY KEY,
              name TEXT,
              tags TEXT NOT NULL,
              description TEXT NOT NULL,
              resource TEXT NOT NULL,
              resource_tags TEXT NOT NULL,
              retention_days INTEGER NOT NULL,
              unlock_delay_days INTEGER NOT NULL,
              unlocked_at INTEGER,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT"""),
            List.of("""
            CREATE TABLE lifecycle_policy (
              id TEXT PRIMARY KEY,
              name TEXT,
              tags TEXT NOT NULL,
              description TEXT NOT NULL,
              enabled INTEGER NOT NULL,
              target_tags TEXT NOT NULL,
              every_minutes INTEGER NOT NULL,
              times TEXT NOT NULL,
              keep_count INTEGER NOT NULL,
              keep_days INTEGER NOT NULL,
              snapshot_tags TEXT NOT NULL,
              copy_tags INTEGER NOT NULL,
              done_up_to INTEGER NOT NULL,
              last_run TEXT,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT"""),
            List.of("""
            CREATE TABLE import (
              id TEXT PRIMARY KEY,
              name TEXT,
              tags TEXT NOT NULL,
              description TEXT NOT NULL,
              volume TEXT NOT NULL,
              snapshot TEXT NOT NULL,
              source TEXT,
              received_bytes INTEGER NOT NULL,
              next_offset INTEGER NOT NULL,
              digest TEXT NOT NULL,
              size_bytes INTEGER NOT NULL,
              touched_at INTEGER NOT NULL,
              completed INTEGER NOT NULL,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT"""),
            List.of("""
            CREATE TABLE image (
              id TEXT PRIMARY KEY,
              phase TEXT NOT NULL,
              name TEXT,
              tags TEXT NOT NULL,
              description TEXT NOT NULL,
              root_device_name TEXT NOT NULL,
              mappings TEXT NOT NULL,
              created_at INTEGER NOT NULL,
              deprecated_at INTEGER,
              deregistration_protected INTEGER NOT NULL,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT"""),
            List.of("""
            CREATE TABLE burst_credit (
              id TEXT PRIMARY KEY,
              volume_type TEXT NOT NULL,
              credits INTEGER NOT NULL,
              saved_at INTEGER NOT NULL
            ) STRICT"""),
            List.of("""
            CREATE TABLE instance (
              id TEXT PRIMARY KEY,
              name TEXT,
              tags TEXT NOT NULL,
              life TEXT NOT NULL,
              attachments TEXT NOT NULL,
              changed_at INTEGER NOT NULL,
              client_token TEXT UNIQUE,
              parameters TEXT
            ) STRICT"""),
            List.of("ALTER TABLE volume ADD COLUMN modifications TEXT NOT NULL DEFAULT '[]'"),
            List.of("ALTER TABLE snapshot ADD COLUMN upload TEXT"),
            List.of(
                    "ALTER TABLE volume ADD COLUMN minimum_iops INTEGER NOT NULL DEFAULT 0",
                    "ALTER TABLE volume ADD COLUMN weight INTEGER NOT NULL DEFAULT 100"),
            List.of("""
            CREATE TABLE credential (
              id TEXT PRIMARY KEY,
              kind TEXT NOT NULL,
              name TEXT,
              role TEXT NOT NULL,
              secret TEXT NOT NULL,
              created_at INTEGER NOT NULL
            ) STRICT"""),
            List.of("ALTER TABLE volume ADD COLUMN multi_attach INTEGER NOT NULL DEFAULT 0"),
            List.of("ALTER TABLE import ADD COLUMN image TEXT"),
            List.of("ALTER TABLE image ADD COLUMN recycled TEXT"),
            List.of("ALTER TABLE image ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0"),
            List.of("ALTER TABLE instance ADD COLUMN launch TEXT"),
            // Launches that a crash cut short in earlier versions, where instances came before their volumes.
            List.of("""
            UPDATE volume SET phase = 'PROVISIONAL' WHERE id IN (
              SELECT json_extract(attachment.value, '$.volume')
              FROM instance, json_each(instance.attachments) AS attachment
              WHERE instance.life = 'PENDING' AND json_extract(instance.launch, '$.whole') = 0)""", """
            DELETE FROM instance WHERE life = 'PENDING' AND json_extract(launch, '$.whole') = 0"""),
            List.of("""
            CREATE TABLE export (
              id TEXT PRIMARY KEY,
              snapshot TEXT NOT NULL,
              file TEXT NOT NULL,
              format TEXT NOT NULL,
              started_at INTEGER NOT NULL,
              completed INTEGER NOT NULL,
              failure TEXT
            ) STRICT""")));

    private static final byte[] MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
    private static final int HEADER_BYTES = 100;
    private static final int USER_VERSION_OFFSET = 60;

    private final List<List<String>> migrations;

    Schema(List<List<String>> migrations) {
        this.migrations = migrations;
    }

    List<List<String>> migrations() {
        return migrations;
    }

    /**
     * Looks at a file without opening it as a database, which would change it.
     *
     * @throws StoreException NEWER_FORMAT or DAMAGED
     */
    void refuseForeign(Path file) {
        if (!Files.exists(file)) {
            return;
        }
        byte[] header = header(file);
        if (header.length == 0) {
            return; // made, but not yet written to, by a life that was cut short
        }
        if (header.length < HEADER_BYTES || !Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new StoreException(StoreException.Kind.DAMAGED, file + " is damaged: it is not an SQLite database");
        }
        refuseNewer(file, ByteBuffer.wrap(header).getInt(USER_VERSION_OFFSET));
    }

    private static byte[] header(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(HEADER_BYTES);
        } catch (IOException e) {
            throw new StoreException(
                    StoreException.Kind.ACCESS_DENIED, "cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    private void refuseNewer(Path file, int version) {
        if (version > migrations.size()) {
            throw new StoreException(
                    StoreException.Kind.NEWER_FORMAT,
                    "%s was written by a newer Varve (schema %d; this one knows %d): start that version"
                            .formatted(file, version, migrations.size()));
        }
    }

    /** Brings a database to this version, after copying one that has something to lose. */
    void migrate(Connection connection, Path file) throws SQLException {
        int from = version(connection);
        refuseNewer(file, from);
        if (from == migrations.size()) {
            return;
        }
        if (from > 0) {
            copy(connection, file.resolveSibling(file.getFileName() + ".v" + from));
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("BEGIN IMMEDIATE");
            for (List<String> migration : migrations.subList(from, migrations.size())) {
                for (String sql : migration) {
                    statement.execute(sql);
                }
            }
            statement.execute("PRAGMA user_version = " + migrations.size());
            statement.execute("COMMIT");
            // So that the header of the file itself tells the version.
            statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    private static void copy(Connection connection, Path to) throws SQLException {
        try (var vacuum = connection.prepareStatement("VACUUM INTO ?")) {
            Files.deleteIfExists(to); // left by a migration that was cut short: the original is whole
            vacuum.setString(1, to.toString());
            vacuum.execute();
        } catch (IOException e) {
            throw new StoreException(StoreException.Kind.IO, "cannot replace " + to + ": " + e.getMessage(), e);
        }
    }

    private static int version(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA user_version")) {
            return row.getInt(1);
        }
    }
}
