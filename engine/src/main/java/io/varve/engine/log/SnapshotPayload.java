package io.varve.engine.log;

import java.nio.ByteBuffer;

/**
 * The payload of a SNAPSHOT record. 64 bytes, little-endian: low 64 bits of the id (u64), high 4 bits (u32), member
 * count (u32), number (u64), size in bytes (u64), creation time in ms since 1970 (u64), group id (u64), 0 (16 bytes).
 *
 * @param idHigh the snapshot id's high 4 bits
 * @param idLow the snapshot id's low 64 bits
 * @param number the store-wide sequence of the snapshot
 * @param sizeBytes the volume's size at that instant
 * @param createdMillis the wall clock then
 * @param groupId names the group of volumes that was taken at one instant; 0 for a snapshot of its own
 * @param groupMembers how many volumes that group has
 */
public record SnapshotPayload(
        int idHigh, long idLow, long number, long sizeBytes, long createdMillis, long groupId, int groupMembers) {
    static final int BYTES = 64;

    void encode(ByteBuffer buffer, int at) {
        buffer.putLong(at, idLow)
                .putInt(at + 8, idHigh)
                .putInt(at + 12, groupMembers)
                .putLong(at + 16, number);
        buffer.putLong(at + 24, sizeBytes).putLong(at + 32, createdMillis).putLong(at + 40, groupId);
        buffer.putLong(at + 48, 0).putLong(at + 56, 0);
    }

    static SnapshotPayload decode(ByteBuffer buffer, int at) {
        return new SnapshotPayload(
                buffer.getInt(at + 8),
                buffer.getLong(at),
                buffer.getLong(at + 16),
                buffer.getLong(at + 24),
                buffer.getLong(at + 32),
                buffer.getLong(at + 40),
                buffer.getInt(at + 12));
    }
}
