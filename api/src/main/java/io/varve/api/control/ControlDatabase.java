package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * {@link Metadata} in one SQLite file of the data directory, {@code control.db}. Every change is one statement and
 * thereby one transaction, synced before it returns (WAL, synchronous=FULL).
 *
 * <p>The caller holds the lock of the data directory.
 */
public final class ControlDatabase implements Metadata {
    /** The file's name in the data directory. */
    public static final String FILE_NAME = "control.db";

    private static final String DEFAULT_VOLUME = "defaultVolume";

    /** How often a change is tried again on a full disk. */
    private static final int MOST_PIECES = 8;

    private final Connection connection;
    private final Reserve reserve;

    private ControlDatabase(Connection connection, Reserve reserve) {
        this.connection = connection;
        this.reserve = reserve;
    }

    /** Space held back for when the disk is full. */
    @FunctionalInterface
    public interface Reserve {
        /** Gives a piece of it to the file system; false if nothing is left. Waits for that. */
        boolean yieldPiece();
    }

    /**
     * Looks whether {@link #open} would refuse the file, and changes nothing.
     *
     * @throws StoreException NEWER_FORMAT, DAMAGED or ACCESS_DENIED
     */
    public static void check(Path dataDirectory) {
        Schema.CURRENT.refuseForeign(dataDirectory.resolve(FILE_NAME));
    }

    /**
     * Opens the database, making or migrating it where that is due.
     *
     * @param reserve what it may draw on when the disk is full
     * @throws StoreException NEWER_FORMAT, DAMAGED, ACCESS_DENIED, NO_SPACE or IO
     */
    public static ControlDatabase open(Path dataDirectory, Reserve reserve) {
        return open(dataDirectory.resolve(FILE_NAME), Schema.CURRENT, reserve);
    }

    static ControlDatabase open(Path file, Schema schema, Reserve reserve) {
        return drawing(reserve, () -> openNow(file, schema, reserve));
    }

    /** Tries again after a piece of the reserve was given up, as long as there is no space and some is left. */
    private static <T> T drawing(Reserve reserve, Supplier<T> task) {
        for (int pieces = 0; ; pieces++) {
            try {
                return task.get();
            } catch (StoreException e) {
                if (e.kind() != StoreException.Kind.NO_SPACE || pieces == MOST_PIECES || !reserve.yieldPiece()) {
                    throw e;
                }
            }
        }
    }

    private static ControlDatabase openNow(Path file, Schema schema, Reserve reserve) {
        schema.refuseForeign(file);
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        Connection connection = null;
        try {
            connection = config.createConnection("jdbc:sqlite:" + file);
            checkWhole(connection, file);
            schema.migrate(connection, file);
            return new ControlDatabase(connection, reserve);
        } catch (SQLException e) {
            closeQuietly(connection, e);
            throw failure(file.toString(), e);
        } catch (StoreException e) {
            closeQuietly(connection, e);
            throw e;
        }
    }

    private static void checkWhole(Connection connection, Path file) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA quick_check(1)")) {
            String verdict = row.getString(1);
            if (!verdict.equals("ok")) {
                throw new StoreException(StoreException.Kind.DAMAGED, file + " is damaged: " + verdict);
            }
        }
    }

    private static void closeQuietly(@Nullable Connection connection, Exception reason) {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            reason.addSuppressed(e);
        }
    }

    @Override
    public synchronized List<VolumeEntry> volumes() {
        return query("SELECT * FROM volume", row -> {
            VolumeLimits limits =
                    new VolumeLimits(row.getString("volume_type"), row.getInt("iops"), row.getInt("throughput_mibps"));
            return new VolumeEntry(
                    VolumeId.parse(row.getString("id")),
                    Phase.valueOf(row.getString("phase")),
                    label(row),
                    limits,
                    row.getLong("growing_to_bytes"),
                    token(row));
        });
    }

    @Override
    public synchronized List<SnapshotEntry> snapshots() {
        return query(
                "SELECT * FROM snapshot",
                row -> new SnapshotEntry(
                        SnapshotId.parse(row.getString("id")),
                        Phase.valueOf(row.getString("phase")),
                        label(row),
                        row.getString("description"),
                        token(row)));
    }

    @Override
    public synchronized void put(VolumeEntry entry) {
        change(
                """
                INSERT OR REPLACE INTO volume (id, phase, volume_type, iops, throughput_mibps, growing_to_bytes,
                name, tags, client_token, parameters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                entry.id(),
                entry.phase(),
                entry.limits().volumeType(),
                entry.limits().iops(),
                entry.limits().throughputMiBps(),
                entry.growingToBytes(),
                entry.label().name().orElse(null),
                tags(entry.label()),
                entry.clientToken().map(ClientToken::token).orElse(null),
                entry.clientToken().map(ClientToken::parameters).orElse(null));
    }

    @Override
    public synchronized void put(SnapshotEntry entry) {
        change(
                """
                INSERT OR REPLACE INTO snapshot (id, phase, description, name, tags, client_token, parameters)
                VALUES (?, ?, ?, ?, ?, ?, ?)""",
                entry.id(),
                entry.phase(),
                entry.description(),
                entry.label().name().orElse(null),
                tags(entry.label()),
                entry.clientToken().map(ClientToken::token).orElse(null),
                entry.clientToken().map(ClientToken::parameters).orElse(null));
    }

    @Override
    public synchronized void remove(VolumeId id) {
        change("DELETE FROM volume WHERE id = ?", id);
    }

    @Override
    public synchronized void remove(SnapshotId id) {
        change("DELETE FROM snapshot WHERE id = ?", id);
    }

    @Override
    public synchronized Optional<VolumeId> defaultVolume() {
        return query("SELECT value FROM setting WHERE key = '" + DEFAULT_VOLUME + "'", row -> row.getString(1)).stream()
                .map(VolumeId::parse)
                .findFirst();
    }

    @Override
    public synchronized void setDefaultVolume(VolumeId id) {
        change("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", DEFAULT_VOLUME, id);
    }

    @Override
    public synchronized void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw failure(FILE_NAME, e);
        }
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

    private <T> List<T> query(String sql, RowReader<T> reader) {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            List<T> rows = new ArrayList<>();
            while (row.next()) {
                rows.add(reader.read(row));
            }
            return rows;
        } catch (SQLException e) {
            throw failure(FILE_NAME, e);
        }
    }

    private void change(String sql, @Nullable Object... values) {
        int unused = drawing(reserve, () -> changeNow(sql, values));
    }

    private int changeNow(String sql, @Nullable Object... values) {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                Object value = values[i];
                statement.setObject(i + 1, value == null || value instanceof Number ? value : value.toString());
            }
            return statement.executeUpdate();
        } catch (SQLException e) {
            throw failure(FILE_NAME, e);
        }
    }

    private static StoreException failure(String file, SQLException e) {
        SQLiteErrorCode code =
                e instanceof SQLiteException sqlite ? sqlite.getResultCode() : SQLiteErrorCode.SQLITE_ERROR;
        if (code == SQLiteErrorCode.SQLITE_IOERR_SHMSIZE) { // what a full disk does to the index of the WAL
            return new StoreException(StoreException.Kind.NO_SPACE, file + ": " + e.getMessage(), e);
        }
        StoreException.Kind kind = switch (SQLiteErrorCode.getErrorCode(code.code & 0xff)) {
            case SQLITE_NOTADB, SQLITE_CORRUPT -> StoreException.Kind.DAMAGED;
            case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH -> StoreException.Kind.ACCESS_DENIED;
            case SQLITE_FULL -> StoreException.Kind.NO_SPACE;
            default -> StoreException.Kind.IO;
        };
        return new StoreException(kind, file + ": " + e.getMessage(), e);
    }

    private interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }
}
