package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.map.MapRoot;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;

/**
 * A row of the table of snapshots, 160 bytes, little-endian.
 *
 * <pre>
 *   0    1    2     4       8        16       24       32       40        48
 *  +----+----+-----+-------+--------+--------+--------+--------+---------+--------+
 *  |kind| 0  |id hi| 0     | id low | number | volume |  size  | created | root   |
 *  +----+----+-----+-------+--------+--------+--------+--------+---------+--------+
 *   56         64      72              80     88             96       104
 *  +----------+-------+---------------+------+--------------+--------+-------------+
 *  |root check| birth | floor address | used |deleted up to | group  |group members|
 *  +----------+-------+---------------+------+--------------+--------+-------------+
 * </pre>
 */
final class SnapshotRow {
    static final TableSpec SPEC = new TableSpec(12, 160, "snapshots");

    /** A snapshot. */
    static final byte LIVE = 1;
    /** Deleted for its users; its space is on the way back, or clones still need its tree. */
    static final byte DELETING = 2;

    private static final int ID_HIGH = 2;
    private static final int ID_LOW = 8;
    private static final int NUMBER = 16;
    private static final int VOLUME = 24;
    private static final int SIZE = 32;
    private static final int CREATED = 40;
    private static final int ROOT = 48;
    private static final int ROOT_CHECK = 56;
    private static final int BIRTH = 64;
    private static final int FLOOR_ADDRESS = 72;
    private static final int USED_BLOCKS = 80;
    private static final int DELETED_UP_TO = 88;
    private static final int GROUP = 96;
    private static final int GROUP_MEMBERS = 104;

    private final Table table;
    private final int row;

    SnapshotRow(Table table, int row) {
        this.table = table;
        this.row = row;
    }

    boolean isLive() {
        return table.kind(row) == LIVE;
    }

    void markDeleting() {
        table.putKind(row, DELETING);
    }

    void free() {
        table.free(row);
    }

    void set(CheckpointPart.TakenSnapshot taken, long volumeNumber) {
        table.putByte(row, ID_HIGH, (byte) taken.payload().idHigh());
        table.putLong(row, ID_LOW, taken.payload().idLow());
        table.putLong(row, NUMBER, taken.payload().number());
        table.putLong(row, VOLUME, volumeNumber);
        table.putLong(row, SIZE, taken.payload().sizeBytes());
        table.putLong(row, CREATED, taken.payload().createdMillis());
        table.putLong(row, ROOT, taken.root().writtenPointer());
        table.putInt(row, ROOT_CHECK, taken.root().writtenCheck());
        table.putLong(row, BIRTH, taken.floors().birth());
        table.putLong(row, FLOOR_ADDRESS, taken.floors().address());
        table.putLong(row, USED_BLOCKS, taken.usedBlocks());
        table.putLong(row, GROUP, taken.payload().groupId());
        table.putInt(row, GROUP_MEMBERS, taken.payload().groupMembers());
    }

    /** Names the group of snapshots that it was taken with; 0 if it stands alone. */
    long group() {
        return table.getLong(row, GROUP);
    }

    /** How many snapshots the group has. */
    int groupMembers() {
        return table.getInt(row, GROUP_MEMBERS);
    }

    /** It is there whether or not the others of its group are. */
    void leaveGroup() {
        table.putLong(row, GROUP, 0);
        table.putInt(row, GROUP_MEMBERS, 1);
    }

    SnapshotId id() {
        return new SnapshotId(table.getByte(row, ID_HIGH), table.getLong(row, ID_LOW));
    }

    long number() {
        return table.getLong(row, NUMBER);
    }

    /** The number of the volume that it was taken of. */
    long volume() {
        return table.getLong(row, VOLUME);
    }

    long sizeBytes() {
        return table.getLong(row, SIZE);
    }

    long createdMillis() {
        return table.getLong(row, CREATED);
    }

    void setRoot(long pointer, int check) {
        table.putLong(row, ROOT, pointer);
        table.putInt(row, ROOT_CHECK, check);
    }

    MapRoot root() {
        return new MapRoot(table.getLong(row, ROOT), table.getInt(row, ROOT_CHECK), birth(), null);
    }

    /** Pages born up to this generation may be in its tree. */
    long birth() {
        return table.getLong(row, BIRTH);
    }

    /** Blocks below this address may be in its tree. */
    long floorAddress() {
        return table.getLong(row, FLOOR_ADDRESS);
    }

    void setUsedBlocks(long blocks) {
        table.putLong(row, USED_BLOCKS, blocks);
    }

    long usedBlocks() {
        return table.getLong(row, USED_BLOCKS);
    }

    /** The first block for which it still counts, while it is being deleted. */
    long deletedUpTo() {
        return table.getLong(row, DELETED_UP_TO);
    }

    void setDeletedUpTo(long block) {
        table.putLong(row, DELETED_UP_TO, block);
    }
}
