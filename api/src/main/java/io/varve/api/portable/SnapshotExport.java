package io.varve.api.portable;

import static io.varve.api.portable.PortableDescriptor.CODEC_OFFSET;
import static io.varve.api.portable.PortableDescriptor.DATA;
import static io.varve.api.portable.PortableDescriptor.DIGEST_BYTES;
import static io.varve.api.portable.PortableDescriptor.END;
import static io.varve.api.portable.PortableDescriptor.HEADER_DIGEST_OFFSET;
import static io.varve.api.portable.PortableDescriptor.HEX;
import static io.varve.api.portable.PortableDescriptor.LENGTH_OFFSET;
import static io.varve.api.portable.PortableDescriptor.LZ4;
import static io.varve.api.portable.PortableDescriptor.MOST_DATA_BYTES;
import static io.varve.api.portable.PortableDescriptor.OFFSET_OFFSET;
import static io.varve.api.portable.PortableDescriptor.PAYLOAD_BYTES_OFFSET;
import static io.varve.api.portable.PortableDescriptor.PLAIN;
import static io.varve.api.portable.PortableDescriptor.RECORD_BYTES;
import static io.varve.api.portable.PortableDescriptor.RECORD_DIGEST_OFFSET;
import static io.varve.api.portable.PortableDescriptor.ZEROES;

import io.varve.engine.BlockStore;
import io.varve.engine.ExtentSource;
import io.varve.engine.Extents;
import io.varve.engine.Lz4;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import net.jpountz.lz4.LZ4Compressor;

/**
 * Writes the portable file of a snapshot, whole or from behind a record on, so that a transfer that was cut off goes
 * on. Blocks.
 */
public final class SnapshotExport {
    private static final int CHANGED = 1;

    private final BlockStore store;
    private final SnapshotRecord snapshot;
    private final Optional<SnapshotId> since;
    private final LZ4Compressor compressor = Lz4.factory().fastCompressor();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(MOST_DATA_BYTES);
    private final byte[] plain = new byte[MOST_DATA_BYTES];
    private final byte[] compressed = new byte[compressor.maxCompressedLength(MOST_DATA_BYTES)];

    /** @param since the snapshot to build on; empty for a full file */
    public SnapshotExport(BlockStore store, SnapshotRecord snapshot, Optional<SnapshotId> since) {
        this.store = store;
        this.snapshot = snapshot;
        this.since = since;
    }

    /** Where bytes go. */
    @FunctionalInterface
    public interface Sink {
        /** Takes the bytes; returns when there is room for more. */
        void write(byte[] bytes);
    }

    /**
     * Where a file goes on.
     *
     * @param offset where the last record that is there ends, in bytes of the volume
     * @param digest that record's, in hexadecimal
     */
    public record Position(long offset, String digest) {}

    /**
     * Writes the file.
     *
     * @param from where to go on; empty for the whole file
     * @throws StoreException SNAPSHOT_NOT_FOUND, INVALID if {@code since} is not in its past or {@code from} is no
     *     place in it, or IO
     */
    public void write(Optional<Position> from, Sink sink) {
        long begin = from.map(Position::offset).orElse(0L);
        if (begin < 0 || begin > snapshot.sizeBytes() || begin % BlockStore.BLOCK_BYTES != 0) {
            throw new StoreException(
                    StoreException.Kind.INVALID,
                    "from %d is refused: it is a multiple of %d up to the size of the volume, %d"
                            .formatted(begin, BlockStore.BLOCK_BYTES, snapshot.sizeBytes()));
        }
        try (BlockingVolume volume = new BlockingVolume(await(store.openSnapshot(snapshot.id())))) {
            if (since.isEmpty()) {
                writeFrom(
                        from,
                        sink,
                        (offset, digest) -> writeExtents(volume, offset, snapshot.sizeBytes(), false, digest, sink));
                return;
            }
            ExtentSource changes = await(store.changedSince(volume.volume(), since.get()));
            try {
                writeFrom(from, sink, (offset, digest) -> writeChanges(volume, changes, offset, digest, sink));
            } finally {
                changes.release();
            }
        }
    }

    private interface Body {
        void write(long offset, Digest digest);
    }

    private void writeFrom(Optional<Position> from, Sink sink, Body body) {
        Digest digest = from.map(position -> new Digest(HEX.parseHex(position.digest())))
                .orElseGet(() -> writeHeader(sink));
        body.write(from.map(Position::offset).orElse(0L), digest);
        writeRecord(END, PLAIN, 0, 0, plain, 0, digest, sink);
    }

    private static <T> T await(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private Digest writeHeader(Sink sink) {
        byte[] head = new PortableHeader(snapshot.sizeBytes(), snapshot.id(), since, snapshot.createdAt()).encode();
        Digest digest = new Digest(new byte[0]);
        byte[] header = Arrays.copyOf(head, HEADER_DIGEST_OFFSET + DIGEST_BYTES);
        ByteBuffer.wrap(header).put(HEADER_DIGEST_OFFSET, digest.add(head, head.length, plain, 0, 0));
        sink.write(header);
        return digest;
    }

    private void writeChanges(BlockingVolume volume, ExtentSource changes, long from, Digest digest, Sink sink) {
        for (long offset = from; offset < snapshot.sizeBytes(); ) {
            Extents extents = volume.query(changes, offset, snapshot.sizeBytes() - offset);
            for (int i = 0; i < extents.size(); i++) {
                if (extents.value(i) == CHANGED) {
                    writeExtents(volume, offset, offset + extents.lengthBytes(i), true, digest, sink);
                }
                offset += extents.lengthBytes(i);
            }
        }
    }

    /** @param holes whether ranges without data are told, or left out */
    private void writeExtents(BlockingVolume volume, long from, long to, boolean holes, Digest digest, Sink sink) {
        for (long offset = from; offset < to; ) {
            Extents extents = volume.status(offset, to - offset);
            int count = extents.size();
            for (int i = 0; i < count; i++) {
                long length = extents.lengthBytes(i);
                if (extents.value(i) == Extents.DATA) {
                    writeData(volume, offset, length, digest, sink);
                } else if (holes) {
                    writeRecord(ZEROES, PLAIN, offset, length, plain, 0, digest, sink);
                }
                offset += length;
            }
        }
    }

    private void writeData(BlockingVolume volume, long from, long length, Digest digest, Sink sink) {
        for (long offset = from; offset < from + length; ) {
            int bytes = (int) Math.min(MOST_DATA_BYTES, from + length - offset);
            volume.read(offset, buffer.clear().limit(bytes));
            buffer.get(0, plain, 0, bytes);
            int small = compressor.compress(plain, 0, bytes, compressed, 0);
            if (small < bytes) {
                writeRecord(DATA, LZ4, offset, bytes, compressed, small, digest, sink);
            } else {
                writeRecord(DATA, PLAIN, offset, bytes, plain, bytes, digest, sink);
            }
            offset += bytes;
        }
    }

    private static void writeRecord(
            byte type,
            byte codec,
            long offset,
            long length,
            byte[] payload,
            int payloadBytes,
            Digest digest,
            Sink sink) {
        byte[] record = new byte[RECORD_BYTES + payloadBytes];
        ByteBuffer.wrap(record)
                .put(0, type)
                .put(CODEC_OFFSET, codec)
                .putInt(PAYLOAD_BYTES_OFFSET, payloadBytes)
                .putLong(OFFSET_OFFSET, offset)
                .putLong(LENGTH_OFFSET, length)
                .put(RECORD_BYTES, payload, 0, payloadBytes)
                .put(RECORD_DIGEST_OFFSET, digest.add(record, RECORD_DIGEST_OFFSET, payload, 0, payloadBytes));
        sink.write(record);
    }
}
