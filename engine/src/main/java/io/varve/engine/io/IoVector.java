package io.varve.engine.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.openhft.chronicle.core.Jvm;

/**
 * A list of pieces of native memory for one gathered write, laid out as the kernel's {@code struct iovec[]}: for each
 * piece 8 bytes of address and 8 bytes of length. Reused from batch to batch; not thread-safe. The memory that it
 * points at must stay alive until the write has returned.
 */
public final class IoVector {
    /** The kernel takes at most this many pieces in one call (UIO_MAXIOV). */
    public static final int MAX_PIECES = 1024;

    private static final int ENTRY_BYTES = 16;

    private final ByteBuffer entries =
            ByteBuffer.allocateDirect(MAX_PIECES * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final long entriesAddress = Jvm.address(entries);
    private int count;
    private long bytes;

    /** Adds {@code length} bytes of native memory at {@code address}. */
    public void add(long address, int length) {
        if (length == 0) {
            return;
        }
        entries.putLong(count * ENTRY_BYTES, address);
        entries.putLong(count * ENTRY_BYTES + 8, length);
        count++;
        bytes += length;
    }

    /** Takes off piece {@code from} and all behind it. */
    public void cut(int from) {
        while (count > from) {
            bytes -= pieceLength(--count);
        }
    }

    /** True when another {@code pieces} pieces can be added. */
    public boolean hasRoom(int pieces) {
        return count + pieces <= MAX_PIECES;
    }

    public int count() {
        return count;
    }

    /** Bytes of all pieces. */
    public long bytes() {
        return bytes;
    }

    /** The address of piece {@code index}. */
    public long pieceAddress(int index) {
        return entries.getLong(index * ENTRY_BYTES);
    }

    /** The length of piece {@code index}. */
    public int pieceLength(int index) {
        return (int) entries.getLong(index * ENTRY_BYTES + 8);
    }

    /** The address of the {@code struct iovec[]}. */
    public long address() {
        return entriesAddress;
    }

    /** Empties the list. */
    public void clear() {
        count = 0;
        bytes = 0;
    }
}
