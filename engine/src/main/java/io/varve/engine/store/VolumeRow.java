package io.varve.engine.store;

import io.varve.engine.Compression;
import io.varve.engine.VolumeId;
import io.varve.engine.log.LogPosition;
import io.varve.engine.map.MapRoot;
import io.varve.engine.meta.Table;
import io.varve.engine.meta.TableSpec;

/**
 * A row of the table of volumes, 192 bytes, little-endian.
 *
 * <pre>
 *   0    1    2     4       8        16       24       32        40       48
 *  +----+----+-----+-------+--------+--------+--------+---------+--------+--------+
 *  |kind|flag|hi cp| epoch | id low | number |  size  | created | origin | root   |
 *  +----+----+-----+-------+--------+--------+--------+---------+--------+--------+
 *   56         64         72         80         88      96       104      112
 *  +----------+----------+----------+----------+-------+--------+--------+--------+-----+
 *  |root check|generation|base floor|base birth| log   | log    | log    |log chk | used|
 *  |          |          |          |          |segment| offset |sequence|        | 120 |
 *  +----------+----------+----------+----------+-------+--------+--------+--------+-----+
 *
 *  hi cp     the id's high byte; what is compressed: 0 AUTO, 1 OFF, 2 LZ4
 * </pre>
 */
final class VolumeRow {
    static final TableSpec SPEC = new TableSpec(10, 192, "volumes");

    /** A volume. */
    static final byte LIVE = 1;
    /** Deleted, but snapshots of it remain. */
    static final byte DELETED = 2;

    /** Flag: opened for writing since its log was last known to end at the position here. */
    private static final byte FLAG_OPEN = 1;
    /** Flag: recovery found records missing that had been on stable storage. */
    private static final byte FLAG_DAMAGED = 2;

    private static final int FLAGS = 1;
    private static final int ID_HIGH = 2;
    private static final int COMPRESSION = 3;
    private static final int EPOCH = 4;
    private static final int ID_LOW = 8;
    private static final int NUMBER = 16;
    private static final int SIZE = 24;
    private static final int CREATED = 32;
    private static final int ORIGIN = 40;
    private static final int ROOT = 48;
    private static final int ROOT_CHECK = 56;
    private static final int GENERATION = 64;
    private static final int BASE_ADDRESS = 72;
    private static final int BASE_BIRTH = 80;
    private static final int LOG_SEGMENT = 88;
    private static final int LOG_OFFSET = 96;
    private static final int LOG_SEQUENCE = 104;
    private static final int LOG_CHECK = 112;
    private static final int USED_BLOCKS = 120;

    private final Table table;
    private final int row;

    VolumeRow(Table table, int row) {
        this.table = table;
        this.row = row;
    }

    boolean isLive() {
        return table.kind(row) == LIVE;
    }

    void markDeleted() {
        table.putKind(row, DELETED);
    }

    void free() {
        table.free(row);
    }

    VolumeId id() {
        return new VolumeId(table.getByte(row, ID_HIGH), table.getLong(row, ID_LOW));
    }

    void setIdentity(VolumeId id, long number, long createdMillis) {
        table.putByte(row, ID_HIGH, (byte) id.high());
        table.putLong(row, ID_LOW, id.low());
        table.putLong(row, NUMBER, number);
        table.putLong(row, CREATED, createdMillis);
    }

    long number() {
        return table.getLong(row, NUMBER);
    }

    long createdMillis() {
        return table.getLong(row, CREATED);
    }

    long sizeBytes() {
        return table.getLong(row, SIZE);
    }

    void setSizeBytes(long sizeBytes) {
        table.putLong(row, SIZE, sizeBytes);
    }

    boolean isOpenForWriting() {
        return (table.getByte(row, FLAGS) & FLAG_OPEN) != 0;
    }

    void setOpenForWriting(boolean open) {
        setFlag(FLAG_OPEN, open);
    }

    boolean isDamaged() {
        return (table.getByte(row, FLAGS) & FLAG_DAMAGED) != 0;
    }

    void markDamaged() {
        setFlag(FLAG_DAMAGED, true);
    }

    private void setFlag(byte flag, boolean set) {
        int flags = table.getByte(row, FLAGS);
        table.putByte(row, FLAGS, (byte) (set ? flags | flag : flags & ~flag));
    }

    Compression compression() {
        return switch (table.getByte(row, COMPRESSION)) {
            case 1 -> Compression.OFF;
            case 2 -> Compression.LZ4;
            default -> Compression.AUTO;
        };
    }

    void setCompression(Compression compression) {
        int code = switch (compression) {
            case AUTO -> 0;
            case OFF -> 1;
            case LZ4 -> 2;
        };
        table.putByte(row, COMPRESSION, (byte) code);
    }

    int epoch() {
        return table.getInt(row, EPOCH);
    }

    void setEpoch(int epoch) {
        table.putInt(row, EPOCH, epoch);
    }

    /** The number of the snapshot that this is a clone of; 0 for none. */
    long origin() {
        return table.getLong(row, ORIGIN);
    }

    /** What of the tree belongs to the origin. */
    void setOrigin(long snapshotNumber, long baseAddress, long baseBirth) {
        table.putLong(row, ORIGIN, snapshotNumber);
        table.putLong(row, BASE_ADDRESS, baseAddress);
        table.putLong(row, BASE_BIRTH, baseBirth);
    }

    long baseAddress() {
        return table.getLong(row, BASE_ADDRESS);
    }

    long baseBirth() {
        return table.getLong(row, BASE_BIRTH);
    }

    /** The tree as of the last checkpoint. */
    MapRoot root() {
        return new MapRoot(table.getLong(row, ROOT), table.getInt(row, ROOT_CHECK), generation() - 1, null);
    }

    void setRoot(long pointer, int check, long generation) {
        table.putLong(row, ROOT, pointer);
        table.putInt(row, ROOT_CHECK, check);
        table.putLong(row, GENERATION, generation);
    }

    /** The generation in which the next page is born. */
    long generation() {
        return table.getLong(row, GENERATION);
    }

    LogPosition position() {
        return new LogPosition(
                table.getLong(row, LOG_SEGMENT),
                table.getLong(row, LOG_OFFSET),
                table.getLong(row, LOG_SEQUENCE),
                table.getInt(row, LOG_CHECK));
    }

    void setPosition(LogPosition position) {
        table.putLong(row, LOG_SEGMENT, position.segmentId());
        table.putLong(row, LOG_OFFSET, position.offset());
        table.putLong(row, LOG_SEQUENCE, position.sequence());
        table.putInt(row, LOG_CHECK, position.previousCheck());
    }

    long usedBlocks() {
        return table.getLong(row, USED_BLOCKS);
    }

    void setUsedBlocks(long blocks) {
        table.putLong(row, USED_BLOCKS, blocks);
    }
}
