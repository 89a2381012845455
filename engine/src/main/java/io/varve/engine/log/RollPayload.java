package io.varve.engine.log;

import java.nio.ByteBuffer;

/**
 * The payload of a ROLL record: the segment in which the log goes on. 32 bytes, little-endian: segment id (u64), number
 * of the file (u64), capacity in bytes (u64), 0.
 *
 * @param segmentId the next segment
 * @param fileNumber the file that it is in
 * @param capacityBytes how large it is
 */
record RollPayload(long segmentId, long fileNumber, long capacityBytes) {
    static final int BYTES = 32;

    void encode(ByteBuffer buffer, int at) {
        buffer.putLong(at, segmentId)
                .putLong(at + 8, fileNumber)
                .putLong(at + 16, capacityBytes)
                .putLong(at + 24, 0);
    }

    static RollPayload decode(ByteBuffer buffer, int at) {
        return new RollPayload(buffer.getLong(at), buffer.getLong(at + 8), buffer.getLong(at + 16));
    }
}
