package io.varve.engine.reclaim;

import io.varve.engine.map.Floors;
import io.varve.engine.map.MapChanges;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;

/**
 * A row of the table of subtrees that nothing points at any more and whose space is on the way back, 128 bytes,
 * little-endian.
 *
 * <pre>
 *   0    1     2      8        16        24      32      40       48
 *  +----+-----+------+--------+---------+-------+-------+--------+---------------------+
 *  |kind|level| 0    | volume | pointer | check | first | done up| five longs: floors  |
 *  |    |     |      | number |         |       | block | to     |                     |
 *  +----+-----+------+--------+---------+-------+-------+--------+---------------------+
 * </pre>
 */
final class SubtreeRow {
    static final TableSpec SPEC = new TableSpec(13, 128, "subtrees");

    /** Cut off by a trim: its blocks still count as used by the volume. */
    static final byte TRIMMED = 1;
    /** The tree of a volume that was deleted. */
    static final byte DELETED = 2;

    private static final int LEVEL = 1;
    private static final int VOLUME = 8;
    private static final int POINTER = 16;
    private static final int CHECK = 24;
    private static final int FIRST_BLOCK = 32;
    private static final int DONE_UP_TO = 40;
    private static final int FLOORS = 48;

    private SubtreeRow() {}

    static void write(Table table, int row, long volume, MapChanges.Dropped subtree, Floors floors) {
        table.putByte(row, LEVEL, (byte) subtree.level());
        table.putLong(row, VOLUME, volume);
        table.putLong(row, POINTER, subtree.pointer());
        table.putInt(row, CHECK, subtree.check());
        table.putLong(row, FIRST_BLOCK, subtree.firstBlock());
        table.putLong(row, DONE_UP_TO, subtree.firstBlock());
        table.putLong(row, FLOORS, floors.address());
        table.putLong(row, FLOORS + 8, floors.birth());
        table.putLong(row, FLOORS + 16, floors.cursorBlock());
        table.putLong(row, FLOORS + 24, floors.loweredAddress());
        table.putLong(row, FLOORS + 32, floors.loweredBirth());
    }

    static long volume(Table table, int row) {
        return table.getLong(row, VOLUME);
    }

    static PageRef page(Table table, int row) {
        return new PageRef(
                table.getLong(row, POINTER),
                table.getInt(row, CHECK),
                table.getByte(row, LEVEL),
                table.getLong(row, FIRST_BLOCK));
    }

    static Floors floors(Table table, int row) {
        return new Floors(
                table.getLong(row, FLOORS),
                table.getLong(row, FLOORS + 8),
                table.getLong(row, FLOORS + 16),
                table.getLong(row, FLOORS + 24),
                table.getLong(row, FLOORS + 32));
    }

    static long doneUpTo(Table table, int row) {
        return table.getLong(row, DONE_UP_TO);
    }

    static void setDoneUpTo(Table table, int row, long block) {
        table.putLong(row, DONE_UP_TO, block);
    }
}
