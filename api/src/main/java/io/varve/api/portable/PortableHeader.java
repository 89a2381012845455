package io.varve.api.portable;

import static io.varve.api.portable.PortableDescriptor.BASE_OFFSET;
import static io.varve.api.portable.PortableDescriptor.HEADER_BYTES;
import static io.varve.api.portable.PortableDescriptor.HEADER_DIGEST_OFFSET;
import static io.varve.api.portable.PortableDescriptor.ID_BYTES;
import static io.varve.api.portable.PortableDescriptor.MAGIC;
import static io.varve.api.portable.PortableDescriptor.SIZE_OFFSET;
import static io.varve.api.portable.PortableDescriptor.SNAPSHOT_OFFSET;
import static io.varve.api.portable.PortableDescriptor.TAKEN_OFFSET;
import static io.varve.api.portable.PortableDescriptor.VERSION;
import static io.varve.api.portable.PortableDescriptor.VERSION_OFFSET;

import io.varve.engine.SnapshotId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/**
 * What stands at the front of a portable file.
 *
 * @param sizeBytes the volume's size
 * @param snapshot what was exported
 * @param base the snapshot that the file builds on; empty for a full file
 * @param takenAt when it was taken, to the millisecond
 */
public record PortableHeader(long sizeBytes, SnapshotId snapshot, Optional<SnapshotId> base, Instant takenAt) {
    /**
     * True if the file is of the snapshot with this id, and builds on the one with the other; empty for a full file.
     */
    public boolean isOf(String snapshotId, String baseId) {
        return snapshot.toString().equals(snapshotId)
                && base.map(SnapshotId::toString).orElse("").equals(baseId);
    }

    /** The header without its digest. */
    byte[] encode() {
        ByteBuffer buffer = ByteBuffer.allocate(HEADER_DIGEST_OFFSET);
        buffer.putLong(0, MAGIC).putInt(VERSION_OFFSET, VERSION).putLong(SIZE_OFFSET, sizeBytes);
        buffer.put(SNAPSHOT_OFFSET, snapshot.toString().getBytes(StandardCharsets.US_ASCII));
        base.ifPresent(id -> buffer.put(BASE_OFFSET, id.toString().getBytes(StandardCharsets.US_ASCII)));
        buffer.putLong(TAKEN_OFFSET, takenAt.toEpochMilli());
        return buffer.array();
    }

    /** Reads a header whose digest is right. Fails with {@link PortableException}. */
    static PortableHeader decode(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, HEADER_BYTES);
        if (buffer.getInt(VERSION_OFFSET) != VERSION) {
            throw new PortableException("the file has the format version " + buffer.getInt(VERSION_OFFSET)
                    + "; this Varve knows " + VERSION);
        }
        Optional<SnapshotId> snapshot = id(buffer, SNAPSHOT_OFFSET);
        return new PortableHeader(
                buffer.getLong(SIZE_OFFSET),
                snapshot.orElseThrow(() -> new PortableException("the header names no snapshot")),
                id(buffer, BASE_OFFSET),
                Instant.ofEpochMilli(buffer.getLong(TAKEN_OFFSET)));
    }

    private static Optional<SnapshotId> id(ByteBuffer buffer, int offset) {
        byte[] bytes = new byte[ID_BYTES];
        buffer.get(offset, bytes);
        String text = new String(bytes, StandardCharsets.US_ASCII).replace("\0", "");
        try {
            return text.isEmpty() ? Optional.empty() : Optional.of(SnapshotId.parse(text));
        } catch (IllegalArgumentException e) {
            throw new PortableException("the header names a snapshot that is none");
        }
    }
}
