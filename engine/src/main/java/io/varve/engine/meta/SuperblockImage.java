package io.varve.engine.meta;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/** The tables and root counters of one generation, in memory. Not thread-safe. */
public final class SuperblockImage {
    private final long[] roots;
    private final TablePages pages;
    private final Map<Integer, Table> tables = new HashMap<>();
    private SuperblockHeader header;

    SuperblockImage(SuperblockHeader header, long[] roots, TablePages pages, TableSpec... specs) {
        this.header = header;
        this.roots = roots;
        this.pages = pages;
        for (TableSpec spec : specs) {
            if (tables.put(spec.id(), new Table(spec, pages)) != null) {
                throw new IllegalArgumentException("two tables have the id " + spec.id());
            }
        }
    }

    /** The store that it belongs to. */
    public UUID store() {
        return header.store();
    }

    public long generation() {
        return header.generation();
    }

    public Table table(TableSpec spec) {
        Table table = tables.get(spec.id());
        if (table == null) {
            throw new IllegalArgumentException("the store was opened without the table " + spec.name());
        }
        return table;
    }

    public long getRoot(int slot) {
        return roots[slot];
    }

    void setRoot(int slot, long value) {
        roots[slot] = value;
    }

    long[] roots() {
        return roots;
    }

    void requireFeature(long feature) {
        header = header.withIncompatible(feature);
    }

    SuperblockHeader header() {
        return header;
    }

    TablePages pages() {
        return pages;
    }

    /** Makes this image the next generation. */
    void advance() {
        long next = header.generation() + 1;
        pages.seal(next);
        header = header.next(pages.count(), pages.checkOfAll());
    }

    /**
     * Hands the pages to their tables, which must lie in the order of their rows. Pages of tables that this version
     * does not know are carried along as they are.
     */
    void distribute() throws DamagedCopyException {
        for (int position = 0; position < pages.count(); position++) {
            long page = pages.address(position);
            Table table = tables.get(TablePageDescriptor.table(page));
            if (table == null) {
                continue;
            }
            String which = "page " + TablePageDescriptor.pageIndex(page) + " of table "
                    + table.spec().name();
            if (TablePageDescriptor.rowBytes(page) != table.spec().rowBytes()) {
                throw new DamagedCopyException("has " + which + " with rows of " + TablePageDescriptor.rowBytes(page)
                        + " bytes, not " + table.spec().rowBytes());
            }
            if (TablePageDescriptor.pageIndex(page) != table.pageCount()) {
                throw new DamagedCopyException("has " + which + " where page " + table.pageCount() + " is due");
            }
            table.adopt(position);
        }
    }

    void close() {
        for (Table table : tables.values()) {
            table.close();
        }
        pages.close();
    }
}
