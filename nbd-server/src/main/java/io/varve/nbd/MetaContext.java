package io.varve.nbd;

import io.varve.engine.Extents;

/**
 * A metadata context (proto.md, "Metadata querying").
 *
 * <ul>
 *   <li>{@code base:allocation}: bit 0 hole, bit 1 reads as zeroes (proto.md, "base:allocation metadata context");
 *   <li>{@code varve:changed-since:ID}, and the same for clients that know only QEMU's names, {@code
 *       qemu:dirty-bitmap:ID}: bit 0 set where the export reads otherwise than snapshot ID of its lineage;
 *   <li>{@code qemu:allocation-depth}: 0 where nothing is allocated, 1 for what was written since the newest snapshot,
 *       2 since the one before, and so on.
 * </ul>
 *
 * @param name the full name
 * @param snapshot the snapshot compared with; empty for other contexts
 */
record MetaContext(Kind kind, String name, String snapshot) {
    enum Kind {
        ALLOCATION,
        DEPTH,
        CHANGED
    }

    static final MetaContext ALLOCATION = new MetaContext(Kind.ALLOCATION, "base:allocation", "");
    static final MetaContext DEPTH = new MetaContext(Kind.DEPTH, "qemu:allocation-depth", "");
    static final String CHANGED_SINCE = "varve:changed-since:";
    static final String DIRTY_BITMAP = "qemu:dirty-bitmap:";

    private static final int STATE_HOLE = 1;
    private static final int STATE_ZERO = 1 << 1;

    static MetaContext changedSince(String snapshot) {
        return new MetaContext(Kind.CHANGED, CHANGED_SINCE + snapshot, snapshot);
    }

    static MetaContext dirtyBitmap(String snapshot) {
        return new MetaContext(Kind.CHANGED, DIRTY_BITMAP + snapshot, snapshot);
    }

    /** True if it compares with the snapshot with this id. */
    boolean isSince(String id) {
        return kind == Kind.CHANGED && snapshot.equals(id);
    }

    /** The status flags that stand for a value of the engine. */
    int flags(int value) {
        if (kind != Kind.ALLOCATION) {
            return value;
        }
        return switch (value) {
            case Extents.HOLE -> STATE_HOLE | STATE_ZERO;
            case Extents.ZERO -> STATE_ZERO;
            default -> 0;
        };
    }
}
