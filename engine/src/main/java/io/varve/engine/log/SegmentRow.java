package io.varve.engine.log;

import io.varve.engine.meta.TableSpec;

/**
 * A row of the table of segments: where a segment is now, and how many of its blocks somebody can still read.
 *
 * <pre>
 *   0        8        16       24       32       40   44       48          64
 *  +--------+--------+--------+--------+--------+----+--------+-----------+
 *  |kind, 0 |  id    | file   |capacity| volume |live| 0      | room for  |
 *  |        |        | number | bytes  | number |blks|        | containers|
 *  +--------+--------+--------+--------+--------+----+--------+-----------+
 * </pre>
 */
final class SegmentRow {
    static final TableSpec SPEC = new TableSpec(11, 64, "segments");

    /** Its volume may still append to it. */
    static final byte OPEN = 1;
    /** Complete. */
    static final byte SEALED = 2;
    /** Nothing reads it: the file waits for reuse under a new id. */
    static final byte FREE = 3;

    static final int ID = 8;
    static final int FILE = 16;
    static final int CAPACITY = 24;
    static final int VOLUME = 32;
    static final int LIVE_BLOCKS = 40;

    private SegmentRow() {}
}
