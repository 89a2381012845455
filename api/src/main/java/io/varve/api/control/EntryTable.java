package io.varve.api.control;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * {@link Entries} in a table of an {@link SqlFile}, a row each, with the key in the column {@code id}. Which columns
 * there are is said by the class that knows the kind.
 */
final class EntryTable<T> implements Entries<T> {
    private final SqlFile file;
    private final String table;
    private final SqlFile.RowReader<T> reader;
    private final Map<String, Function<T, @Nullable Object>> columns = new LinkedHashMap<>();

    EntryTable(SqlFile file, String table, SqlFile.RowReader<T> reader) {
        this.file = file;
        this.table = table;
        this.reader = reader;
    }

    /** Adds a column and what stands in it. */
    EntryTable<T> column(String name, Function<T, @Nullable Object> value) {
        columns.put(name, value);
        return this;
    }

    @Override
    public List<T> all() {
        return file.query("SELECT * FROM " + table, reader);
    }

    @Override
    public void put(Collection<T> entries) {
        put(entries, true);
    }

    @Override
    public void settle(Collection<T> entries) {
        put(entries, false);
    }

    private void put(Collection<T> entries, boolean synced) {
        String names = String.join(", ", columns.keySet());
        String marks = columns.keySet().stream().map(column -> "?").collect(Collectors.joining(", "));
        String changes = columns.keySet().stream()
                .map(column -> column + " = excluded." + column)
                .collect(Collectors.joining(", "));
        List<List<@Nullable Object>> rows = new ArrayList<>();
        for (T entry : entries) {
            List<@Nullable Object> row = new ArrayList<>();
            columns.values().forEach(value -> row.add(value.apply(entry)));
            rows.add(row);
        }
        file.change(
                "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT (id) DO UPDATE SET %s"
                        .formatted(table, names, marks, changes),
                rows,
                synced);
    }

    @Override
    public void remove(Object id) {
        file.change("DELETE FROM " + table + " WHERE id = ?", List.of(List.of(id)), true);
    }
}
