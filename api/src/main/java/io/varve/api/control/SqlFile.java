package io.varve.api.control;

import io.varve.engine.StoreException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * One SQLite file: every change is one transaction, synced before it returns unless told otherwise, and draws on the
 * store's reserve when the disk is full. Thread-safe.
 */
final class SqlFile implements AutoCloseable {
    /** How often a change is tried again on a full disk. */
    private static final int MOST_PIECES = 8;

    private final Connection connection;
    private final ControlDatabase.Reserve reserve;
    private final String name;

    private SqlFile(Connection connection, ControlDatabase.Reserve reserve, String name) {
        this.connection = connection;
        this.reserve = reserve;
        this.name = name;
    }

    /** Opens the file, making or migrating it where that is due. */
    static SqlFile open(Path file, Schema schema, ControlDatabase.Reserve reserve) {
        return drawing(reserve, () -> openNow(file, schema, reserve));
    }

    /** Tries again after a piece of the reserve was given up, as long as there is no space and some is left. */
    private static <T> T drawing(ControlDatabase.Reserve reserve, Supplier<T> task) {
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

    private static SqlFile openNow(Path file, Schema schema, ControlDatabase.Reserve reserve) {
        schema.refuseForeign(file);
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        Connection connection = null;
        try {
            connection = config.createConnection("jdbc:sqlite:" + file);
            checkWhole(connection, file);
            schema.migrate(connection, file);
            return new SqlFile(connection, reserve, String.valueOf(file.getFileName()));
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

    /** Reads all rows that {@code sql} gives. */
    synchronized <T> List<T> query(String sql, RowReader<T> reader) {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            List<T> rows = new ArrayList<>();
            while (row.next()) {
                rows.add(reader.read(row));
            }
            return rows;
        } catch (SQLException e) {
            throw failure(name, e);
        }
    }

    /**
     * Executes {@code sql} once for each row of values, all in one transaction.
     *
     * @param synced false not to wait for stable storage; the transaction then is as durable as the next synced one
     */
    synchronized void change(String sql, List<List<@Nullable Object>> rows, boolean synced) {
        int unused = drawing(reserve, () -> changeNow(sql, rows, synced));
    }

    private int changeNow(String sql, List<List<@Nullable Object>> rows, boolean synced) {
        try (PreparedStatement statement = connection.prepareStatement(sql);
                Statement pragma = connection.createStatement()) {
            pragma.execute("PRAGMA synchronous = " + (synced ? "FULL" : "NORMAL"));
            connection.setAutoCommit(false);
            for (List<@Nullable Object> values : rows) {
                for (int i = 0; i < values.size(); i++) {
                    Object value = values.get(i);
                    statement.setObject(i + 1, value == null || value instanceof Number ? value : value.toString());
                }
                statement.executeUpdate();
            }
            connection.commit();
            return rows.size();
        } catch (SQLException e) {
            throw failure(name, e);
        } finally {
            endTransaction();
        }
    }

    /** Takes back what was not committed. */
    private void endTransaction() {
        try {
            connection.rollback();
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            throw failure(name, e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw failure(name, e);
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

    /** Makes an object of a row. */
    interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }
}
