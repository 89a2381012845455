package io.varve.engine.meta;

import java.util.Arrays;
import net.openhft.chronicle.core.UnsafeMemory;

/**
 * A growing array of rows of a fixed size, held whole in memory in the very pages that a commit of the
 * {@link Superblock} writes ({@link TablePageDescriptor}). The first byte of a row is its kind, 0 while it is free;
 * what the others mean is its user's affair. Fields are little-endian, at any offset from 1 on.
 *
 * <p>Rows are numbered from 0 and never move. Reading a free row gives zeroes, changing one is an error. Rows and
 * offsets out of range throw {@link IndexOutOfBoundsException}. Not thread-safe.
 */
public final class Table {
    private static final UnsafeMemory MEMORY = UnsafeMemory.MEMORY;
    private static final byte FREE = 0;
    private static final int KIND_OFFSET = 0;

    private final TableSpec spec;
    private final TablePages pages;
    private final int rowBytes;
    private final int rowsPerPage;
    private int[] pagePositions = new int[4];
    private int pageCount;
    private int lowestPossiblyFree;
    private int usedRows;

    Table(TableSpec spec, TablePages pages) {
        this.spec = spec;
        this.pages = pages;
        this.rowBytes = spec.rowBytes();
        this.rowsPerPage = TablePageDescriptor.ROWS_BYTES / rowBytes;
    }

    public TableSpec spec() {
        return spec;
    }

    /** Rows that there are pages for, used or free. */
    public int capacity() {
        return pageCount * rowsPerPage;
    }

    /** Rows in use. */
    public int usedRows() {
        return usedRows;
    }

    /** Takes the lowest free row, which is all zeroes but for its kind; grows the table by a page if none is free. */
    public int allocate(byte kind) {
        int row = lowestPossiblyFree;
        while (row < capacity() && kind(row) != FREE) {
            row++;
        }
        use(row, kind);
        lowestPossiblyFree = row + 1;
        return row;
    }

    /** Takes this very row, which must be free; grows the table up to it if need be. */
    public void use(int row, byte kind) {
        requireKind(kind);
        ensureCapacity(Math.addExact(row, 1));
        if (kind(row) != FREE) {
            throw new IllegalStateException("row " + row + " of " + spec.name() + " is in use");
        }
        MEMORY.writeByte(changing(row), kind);
        usedRows++;
    }

    /** Gives a row back; it is all zeroes then. */
    public void free(int row) {
        MEMORY.setMemory(changingUsed(row), rowBytes, FREE);
        usedRows--;
        lowestPossiblyFree = Math.min(lowestPossiblyFree, row);
    }

    /** Grows the table so that it has at least {@code rows} rows. */
    public void ensureCapacity(int rows) {
        while (capacity() < rows) {
            int position = pages.append();
            long page = pages.address(position);
            TablePageDescriptor.table(page, spec.id());
            TablePageDescriptor.rowBytes(page, rowBytes);
            TablePageDescriptor.pageIndex(page, pageCount);
            pages.change(position);
            addPage(position);
        }
    }

    /** Pages that {@link #ensureCapacity} would add for {@code rows} rows. */
    public int pagesMissingFor(int rows) {
        int needed = (rows + rowsPerPage - 1) / rowsPerPage;
        return Math.max(0, needed - pageCount);
    }

    /** The first used row from {@code row} on, or -1. */
    public int nextUsed(int row) {
        for (int next = row; next < capacity(); next++) {
            if (kind(next) != FREE) {
                return next;
            }
        }
        return -1;
    }

    /** The kind of a row; 0 if it is free. */
    public byte kind(int row) {
        return MEMORY.readByte(address(row));
    }

    public boolean isUsed(int row) {
        return row >= 0 && row < capacity() && kind(row) != FREE;
    }

    /** Gives a used row another kind. */
    public void putKind(int row, byte kind) {
        requireKind(kind);
        MEMORY.writeByte(changingUsed(row), kind);
    }

    public byte getByte(int row, int offset) {
        return MEMORY.readByte(field(row, offset, Byte.BYTES));
    }

    public short getShort(int row, int offset) {
        return MEMORY.readShort(field(row, offset, Short.BYTES));
    }

    public int getInt(int row, int offset) {
        return MEMORY.readInt(field(row, offset, Integer.BYTES));
    }

    public long getLong(int row, int offset) {
        return MEMORY.readLong(field(row, offset, Long.BYTES));
    }

    /** Fills {@code destination} with the bytes from {@code offset} on. */
    public void getBytes(int row, int offset, byte[] destination) {
        long address = field(row, offset, destination.length);
        for (int i = 0; i < destination.length; i++) {
            destination[i] = MEMORY.readByte(address + i);
        }
    }

    public void putByte(int row, int offset, byte value) {
        MEMORY.writeByte(changingField(row, offset, Byte.BYTES), value);
    }

    public void putShort(int row, int offset, short value) {
        MEMORY.writeShort(changingField(row, offset, Short.BYTES), value);
    }

    public void putInt(int row, int offset, int value) {
        MEMORY.writeInt(changingField(row, offset, Integer.BYTES), value);
    }

    public void putLong(int row, int offset, long value) {
        MEMORY.writeLong(changingField(row, offset, Long.BYTES), value);
    }

    /** Writes all of {@code source} from {@code offset} on. */
    public void putBytes(int row, int offset, byte[] source) {
        MEMORY.copyMemory(source, 0, changingField(row, offset, source.length), source.length);
    }

    /** Takes on a page that was read from disk. */
    void adopt(int position) {
        int first = capacity();
        addPage(position);
        for (int row = nextUsed(first); row >= 0; row = nextUsed(row + 1)) {
            usedRows++;
        }
    }

    int pageCount() {
        return pageCount;
    }

    /** Makes every later access an error. The memory is that of {@link TablePages}. */
    void close() {
        pageCount = 0;
    }

    private void addPage(int position) {
        if (pageCount == pagePositions.length) {
            pagePositions = Arrays.copyOf(pagePositions, 2 * pageCount);
        }
        pagePositions[pageCount++] = position;
    }

    private long address(int row) {
        if (row < 0 || row >= capacity()) {
            throw new IndexOutOfBoundsException("row " + row + " of " + spec.name() + ", which has " + capacity());
        }
        int page = row / rowsPerPage;
        long inPage = TablePageDescriptor.ROWS_OFFSET + (long) (row - page * rowsPerPage) * rowBytes;
        return pages.address(pagePositions[page]) + inPage;
    }

    private long field(int row, int offset, int bytes) {
        if (offset <= KIND_OFFSET || offset > rowBytes - bytes) {
            throw new IndexOutOfBoundsException(
                    bytes + " bytes at " + offset + " of a row of " + spec.name() + ", which has 1.." + rowBytes);
        }
        return address(row) + offset;
    }

    private long changing(int row) {
        long address = address(row);
        pages.change(pagePositions[row / rowsPerPage]);
        return address;
    }

    private long changingUsed(int row) {
        long address = changing(row);
        if (MEMORY.readByte(address) == FREE) {
            throw new IllegalStateException("row " + row + " of " + spec.name() + " is free");
        }
        return address;
    }

    private long changingField(int row, int offset, int bytes) {
        long address = field(row, offset, bytes);
        changingUsed(row);
        return address;
    }

    private static void requireKind(byte kind) {
        if (kind == FREE) {
            throw new IllegalArgumentException("kind 0 means a free row");
        }
    }
}
