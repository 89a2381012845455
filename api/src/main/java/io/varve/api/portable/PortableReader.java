package io.varve.api.portable;

import static io.varve.api.portable.PortableDescriptor.CODEC_OFFSET;
import static io.varve.api.portable.PortableDescriptor.DATA;
import static io.varve.api.portable.PortableDescriptor.END;
import static io.varve.api.portable.PortableDescriptor.HEADER_BYTES;
import static io.varve.api.portable.PortableDescriptor.HEADER_DIGEST_OFFSET;
import static io.varve.api.portable.PortableDescriptor.HEX;
import static io.varve.api.portable.PortableDescriptor.LENGTH_OFFSET;
import static io.varve.api.portable.PortableDescriptor.LZ4;
import static io.varve.api.portable.PortableDescriptor.MAGIC;
import static io.varve.api.portable.PortableDescriptor.MOST_DATA_BYTES;
import static io.varve.api.portable.PortableDescriptor.OFFSET_OFFSET;
import static io.varve.api.portable.PortableDescriptor.PAYLOAD_BYTES_OFFSET;
import static io.varve.api.portable.PortableDescriptor.PLAIN;
import static io.varve.api.portable.PortableDescriptor.RECORD_BYTES;
import static io.varve.api.portable.PortableDescriptor.RECORD_DIGEST_OFFSET;
import static io.varve.api.portable.PortableDescriptor.ZEROES;

import io.varve.engine.BlockStore;
import io.varve.engine.Lz4;
import java.nio.ByteBuffer;
import java.util.Arrays;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4SafeDecompressor;

/**
 * Reads a portable file as it comes, in pieces of any size, and trusts nothing in it: each part is checked before it is
 * handed on. Holds at most one record. Not thread-safe.
 */
public final class PortableReader {
    private final Handler handler;
    private final LZ4SafeDecompressor decompressor = Lz4.factory().safeDecompressor();
    private final byte[] part = new byte[RECORD_BYTES + MOST_DATA_BYTES];
    private final byte[] data = new byte[MOST_DATA_BYTES];
    private Digest digest = new Digest(new byte[0]);
    private long sizeBytes;
    private long nextOffset;
    private long position;
    private int filled;
    private boolean ended;

    /** Takes what was read. */
    public interface Handler {
        void header(PortableHeader header);

        /** Bytes of the volume: the first {@code length} of {@code bytes}. */
        void data(long offset, byte[] bytes, int length);

        void zeroes(long offset, long length);

        void end();
    }

    /** Reads a file from its front. */
    public PortableReader(Handler handler) {
        this.handler = handler;
    }

    /**
     * Goes on behind a record.
     *
     * @param position where that ends in the file
     * @param digestHex its digest
     * @param sizeBytes the volume's size, as the header said
     * @param nextOffset where the record ended in the volume
     */
    public PortableReader(Handler handler, long position, String digestHex, long sizeBytes, long nextOffset) {
        this.handler = handler;
        this.position = position;
        this.sizeBytes = sizeBytes;
        this.nextOffset = nextOffset;
        digest = new Digest(HEX.parseHex(digestHex));
    }

    /** Reads on. Fails with {@link PortableException}, and then is of no use any more. */
    public void read(byte[] bytes) {
        int at = 0;
        while (at < bytes.length) {
            if (ended) {
                throw new PortableException("something follows behind the end of the file, at " + position);
            }
            int taken = Math.min(bytes.length - at, needed() - filled);
            System.arraycopy(bytes, at, part, filled, taken);
            at += taken;
            filled += taken;
            if (filled == needed()) {
                takePart();
            }
        }
    }

    /** How many bytes make the part whole that is being read. */
    private int needed() {
        if (position == 0) {
            return HEADER_BYTES;
        }
        if (filled < RECORD_BYTES) {
            return RECORD_BYTES;
        }
        int payload = ByteBuffer.wrap(part).getInt(PAYLOAD_BYTES_OFFSET);
        if (payload < 0 || payload > MOST_DATA_BYTES) {
            throw new PortableException("the record at %d has a payload of %d bytes".formatted(position, payload));
        }
        return RECORD_BYTES + payload;
    }

    /** Nothing of this reader moves on before the part was taken. */
    private void takePart() {
        int length = filled;
        byte[] next;
        if (position == 0) {
            checkMagic();
            next = digestOf(HEADER_DIGEST_OFFSET, 0, 0);
            takeHeader();
        } else {
            next = digestOf(RECORD_DIGEST_OFFSET, RECORD_BYTES, length - RECORD_BYTES);
            takeRecord(length - RECORD_BYTES);
        }
        digest = new Digest(next);
        position += length;
        filled = 0;
    }

    private void checkMagic() {
        if (ByteBuffer.wrap(part).getLong(0) != MAGIC) {
            throw new PortableException("this is no portable file of a snapshot: it does not begin with VARVESNP");
        }
    }

    private void takeHeader() {
        PortableHeader header = PortableHeader.decode(part);
        sizeBytes = header.sizeBytes();
        if (sizeBytes < 1 || sizeBytes > BlockStore.MAX_VOLUME_BYTES || sizeBytes % BlockStore.BLOCK_BYTES != 0) {
            throw new PortableException("the header says a size of " + sizeBytes + " bytes");
        }
        handler.header(header);
    }

    private void takeRecord(int payloadBytes) {
        ByteBuffer record = ByteBuffer.wrap(part);
        long offset = record.getLong(OFFSET_OFFSET);
        long length = record.getLong(LENGTH_OFFSET);
        byte type = part[0];
        if (type == END && payloadBytes == 0) {
            ended = true;
            handler.end();
            return;
        }
        checkRange(offset, length);
        if (type == DATA && length <= MOST_DATA_BYTES) {
            takeData(offset, (int) length, payloadBytes);
        } else if (type == ZEROES && payloadBytes == 0) {
            handler.zeroes(offset, length);
        } else {
            throw new PortableException("the record at %d is of no known kind: %d".formatted(position, type));
        }
        nextOffset = offset + length;
    }

    /** The digest of the part that is there. Fails if the part says another one. */
    private byte[] digestOf(int digestOffset, int payloadOffset, int payloadBytes) {
        byte[] right = digest.next(part, digestOffset, part, payloadOffset, payloadBytes);
        if (!Arrays.equals(right, 0, right.length, part, digestOffset, digestOffset + right.length)) {
            throw new PortableException("the file is damaged at " + position + ": the checksum is wrong");
        }
        return right;
    }

    private void checkRange(long offset, long length) {
        boolean right = offset >= nextOffset
                && length > 0
                && length <= sizeBytes
                && offset <= sizeBytes - length
                && offset % BlockStore.BLOCK_BYTES == 0
                && length % BlockStore.BLOCK_BYTES == 0;
        if (!right) {
            throw new PortableException(
                    "the record at %d is about %d bytes at %d, which cannot be".formatted(position, length, offset));
        }
    }

    private void takeData(long offset, int length, int payloadBytes) {
        byte codec = part[CODEC_OFFSET];
        if (codec == PLAIN && payloadBytes == length) {
            System.arraycopy(part, RECORD_BYTES, data, 0, length);
        } else if (codec != LZ4 || decompressed(payloadBytes) != length) {
            throw new PortableException("the payload of the record at %d cannot be read".formatted(position));
        }
        handler.data(offset, data, length);
    }

    private int decompressed(int payloadBytes) {
        try {
            return decompressor.decompress(part, RECORD_BYTES, payloadBytes, data, 0);
        } catch (LZ4Exception e) {
            return -1;
        }
    }

    /** Forgets a part that was cut off: what is read next goes on at {@link #position}. */
    public void dropPart() {
        filled = 0;
    }

    /** Where the last whole part ends in the file. */
    public long position() {
        return position;
    }

    /** Where the last record ended in the volume. */
    public long nextOffset() {
        return nextOffset;
    }

    /** The digest of the last whole part, in hexadecimal. */
    public String digestHex() {
        return HEX.formatHex(digest.value());
    }

    /** True when the end was read. */
    public boolean ended() {
        return ended;
    }
}
