package io.varve.engine.log;

import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;

/**
 * A row of the table of segments: where a segment is now, and how many of its blocks somebody can still read. The rows
 * of files that hold no segment of their own (free ones, containers) are in the same table.
 *
 * <pre>
 *   0        8        16       24       32       40   44     48     52     56     60     64
 *  +--------+--------+--------+--------+--------+----+------+------+------+------+------+
 *  |kind,flg|  id    | file   |capacity| volume |live|index |blocks|lookup|origin|stored|
 *  |        |        | number | bytes  | number |blks|offset|      |check |check |bytes |
 *  +--------+--------+--------+--------+--------+----+------+------+------+------+------+
 * </pre>
 *
 * From 44 on a row is zero unless the segment is MOVED: these fields say where in the container the segment's index is
 * ({@link ContainerDescriptor}). But for a SEALED segment that is framed, blocks and stored bytes say how many blocks
 * it was written with, and how many bytes it took; zero if that is not known.
 */
final class SegmentRow {
    static final TableSpec SPEC = new TableSpec(11, 64, "segments");

    /** Its volume may still append to it. */
    static final byte OPEN = 1;
    /** Complete. */
    static final byte SEALED = 2;
    /** Nothing reads it: the file waits for reuse under a new id. */
    static final byte FREE = 3;
    /** What was live of it stands in a container, whose file the row names. */
    static final byte MOVED = 4;
    /** A file that holds what is left of MOVED segments; no segment itself, its id is 0. */
    static final byte CONTAINER = 5;

    /** Flag: the segment is framed ({@link SegmentDescriptor}), also when it is MOVED. */
    static final byte FLAG_FRAMED = 1;

    static final int FLAGS = 1;
    static final int ID = 8;
    static final int FILE = 16;
    static final int CAPACITY = 24;
    static final int VOLUME = 32;
    static final int LIVE_BLOCKS = 40;
    static final int INDEX_OFFSET = 44;
    static final int BLOCKS = 48;
    static final int LOOKUP_CHECK = 52;
    static final int ORIGINS_CHECK = 56;
    static final int STORED_BYTES = 60;

    private SegmentRow() {}

    /** True if the row's segment is framed. */
    static boolean framed(Table table, int row) {
        return (table.getByte(row, FLAGS) & FLAG_FRAMED) != 0;
    }

    /** Where in its container a MOVED segment is. */
    static MovedSegment.Place place(Table table, int row) {
        return new MovedSegment.Place(
                table.getInt(row, INDEX_OFFSET),
                table.getInt(row, BLOCKS),
                table.getInt(row, LOOKUP_CHECK),
                table.getInt(row, ORIGINS_CHECK),
                table.getInt(row, STORED_BYTES));
    }

    static void putPlace(Table table, int row, MovedSegment.Place place) {
        table.putInt(row, INDEX_OFFSET, place.indexOffset());
        table.putInt(row, BLOCKS, place.blocks());
        table.putInt(row, LOOKUP_CHECK, place.lookupCheck());
        table.putInt(row, ORIGINS_CHECK, place.originsCheck());
        table.putInt(row, STORED_BYTES, place.storedBytes());
    }
}
