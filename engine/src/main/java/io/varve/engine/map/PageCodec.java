package io.varve.engine.map;

import static io.varve.engine.map.Frame.ENTRIES;
import static io.varve.engine.map.Frame.HOLE;
import static io.varve.engine.map.Frame.ZERO;
import static io.varve.engine.map.PackedPageDescriptor.*;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import net.openhft.chronicle.core.Jvm;
import net.openhft.chronicle.core.UnsafeMemory;

/**
 * Packs pages of the block map for the disk ({@link PackedPageDescriptor}) and unpacks them into frames
 * ({@link Frame}). Packed pages lie in direct buffers, from an offset on; a buffer's position and limit mean
 * nothing here. Hot path: no allocation. Not thread-safe: one codec for each thread.
 */
public final class PageCodec {
    /** The longest a packed page can be: 512 entries that nothing connects. */
    public static final int MAX_PACKED_BYTES = sparseBytes(ENTRIES, ENTRIES);

    private static final UnsafeMemory MEMORY = UnsafeMemory.MEMORY;

    private final CRC32C crc = new CRC32C();

    /**
     * Packs a frame in the shorter of the encodings.
     *
     * @param packed has {@link #MAX_PACKED_BYTES} from {@code offset} on
     * @return how many bytes it takes
     * @throws IllegalStateException if an entry is negative or {@link Frame#CHILD}
     */
    public int pack(long frame, int level, long firstBlock, long birth, ByteBuffer packed, int offset) {
        long to = address(packed, offset, MAX_PACKED_BYTES);
        int entries = 0;
        int pointers = 0;
        int runs = 0;
        for (int i = 0; i < ENTRIES; ) {
            long entry = Frame.entry(frame, i);
            int run = runLength(frame, i, entry, stride(frame, level, i, entry));
            if (entry != HOLE) {
                entries += run;
                runs++;
            }
            if (entry != HOLE && entry != ZERO) {
                requirePointer(entry, i);
                pointers += run;
            }
            i += run;
        }
        int sparse = sparseBytes(entries, pointers);
        int asRuns = runsBytes(runs, pointers);
        boolean useRuns = asRuns < sparse;
        int length = useRuns ? asRuns : sparse;
        MEMORY.writeShort(to + MAGIC_OFFSET, MAGIC);
        MEMORY.writeByte(to + LEVEL_OFFSET, (byte) level);
        MEMORY.writeByte(to + ENCODING_OFFSET, useRuns ? RUNS : SPARSE);
        MEMORY.writeShort(to + ENTRY_COUNT_OFFSET, (short) entries);
        MEMORY.writeShort(to + RUN_COUNT_OFFSET, (short) (useRuns ? runs : 0));
        MEMORY.writeLong(to + LENGTH_OFFSET, length);
        MEMORY.writeLong(to + FIRST_BLOCK_OFFSET, firstBlock);
        MEMORY.writeLong(to + BIRTH_OFFSET, birth);
        if (useRuns) {
            packRuns(frame, level, to + HEADER_BYTES, runs);
        } else {
            packSparse(frame, to + HEADER_BYTES, entries);
        }
        return length;
    }

    private static void packSparse(long frame, long bitmap, int entries) {
        long entryTo = bitmap + BITMAP_BYTES;
        long checkTo = entryTo + (long) entries * Long.BYTES;
        for (int first = 0; first < ENTRIES; first += Long.SIZE) {
            long present = 0;
            for (int i = first; i < first + Long.SIZE; i++) {
                long entry = Frame.entry(frame, i);
                if (entry == HOLE) {
                    continue;
                }
                present |= 1L << i;
                MEMORY.writeLong(entryTo, entry);
                entryTo += Long.BYTES;
                if (entry != ZERO) {
                    MEMORY.writeInt(checkTo, Frame.check(frame, i));
                    checkTo += Integer.BYTES;
                }
            }
            MEMORY.writeLong(bitmap + first / Byte.SIZE, present);
        }
    }

    private static void packRuns(long frame, int level, long firstRun, int runs) {
        long run = firstRun;
        long checkTo = firstRun + (long) runs * RUN_BYTES;
        int end;
        for (int first = 0; first < ENTRIES; first = end) {
            long entry = Frame.entry(frame, first);
            int stride = stride(frame, level, first, entry);
            end = first + runLength(frame, first, entry, stride);
            if (entry == HOLE) {
                continue;
            }
            int count = end - first | (stride == FRAME_STRIDE ? FRAME_RUN : 0);
            MEMORY.writeShort(run + RUN_FIRST_OFFSET, (short) first);
            MEMORY.writeShort(run + RUN_LENGTH_OFFSET, (short) count);
            MEMORY.writeLong(run + RUN_ENTRY_OFFSET, entry);
            run += RUN_BYTES;
            for (int i = first; i < end && entry != ZERO; i++, checkTo += Integer.BYTES) {
                MEMORY.writeInt(checkTo, Frame.check(frame, i));
            }
        }
    }

    /** What the entries of the run grow by that begins at {@code first}. */
    private static int stride(long frame, int level, int first, long entry) {
        if (entry == HOLE || entry == ZERO) {
            return 0;
        }
        boolean inFrame = level == 0 && first + 1 < ENTRIES && Frame.entry(frame, first + 1) == entry + FRAME_STRIDE;
        return inFrame ? FRAME_STRIDE : DATA_STRIDE;
    }

    private static int runLength(long frame, int first, long entry, int stride) {
        int end = first + 1;
        while (end < ENTRIES && Frame.entry(frame, end) == entry + (long) (end - first) * stride) {
            end++;
        }
        return end - first;
    }

    /**
     * Unpacks a page into {@code frame}. Whatever the bytes are, nothing outside of them is read and nothing outside of
     * the frame written; after a failure the frame's contents mean nothing.
     *
     * @param length bytes that are there, at least what the page takes
     * @param level the level that the page must have
     * @param firstBlock the block that it must begin with
     * @return the generation that wrote it
     * @throws DamagedPageException if it is not a whole page of that place
     */
    public long unpack(ByteBuffer packed, int offset, int length, int level, long firstBlock, long frame) {
        long from = address(packed, offset, length);
        if (length < HEADER_BYTES) {
            throw damaged(level, firstBlock, "has only", length, "bytes");
        }
        requireHeader(from, length, level, firstBlock);
        int end = MEMORY.readInt(from + LENGTH_OFFSET);
        Frame.fill(frame, HOLE);
        switch (MEMORY.readByte(from + ENCODING_OFFSET)) {
            case SPARSE -> unpackSparse(from, end, level, firstBlock, frame);
            case RUNS -> unpackRuns(from, end, level, firstBlock, frame);
            default ->
                throw damaged(
                        level, firstBlock, "has the unknown encoding", MEMORY.readByte(from + ENCODING_OFFSET), "");
        }
        return MEMORY.readLong(from + BIRTH_OFFSET);
    }

    private static void requireHeader(long from, int length, int level, long firstBlock) {
        if (MEMORY.readShort(from + MAGIC_OFFSET) != MAGIC) {
            throw damaged(level, firstBlock, "begins with", MEMORY.readShort(from + MAGIC_OFFSET) & 0xFFFF, "");
        }
        if (MEMORY.readByte(from + LEVEL_OFFSET) != level) {
            throw damaged(level, firstBlock, "is of level", MEMORY.readByte(from + LEVEL_OFFSET), "");
        }
        if (MEMORY.readLong(from + FIRST_BLOCK_OFFSET) != firstBlock) {
            throw damaged(level, firstBlock, "begins with block", MEMORY.readLong(from + FIRST_BLOCK_OFFSET), "");
        }
        long named = MEMORY.readLong(from + LENGTH_OFFSET);
        if (named < HEADER_BYTES || named > Math.min(length, MAX_PACKED_BYTES)) {
            throw damaged(level, firstBlock, "names a length of", named, "bytes");
        }
    }

    private static void unpackSparse(long from, int end, int level, long firstBlock, long frame) {
        int entries = MEMORY.readShort(from + ENTRY_COUNT_OFFSET) & 0xFFFF;
        if (sparseBytes(entries, 0) > end || (MEMORY.readShort(from + RUN_COUNT_OFFSET) != 0)) {
            throw damaged(level, firstBlock, "is too short for", entries, "entries");
        }
        long bitmap = from + HEADER_BYTES;
        int present = 0;
        for (int i = 0; i < BITMAP_BYTES; i += Long.BYTES) {
            present += Long.bitCount(MEMORY.readLong(bitmap + i));
        }
        if (present != entries) {
            throw damaged(level, firstBlock, "has not as many entries as its bitmap:", entries, "");
        }
        long entryFrom = bitmap + BITMAP_BYTES;
        long checks = entryFrom + (long) entries * Long.BYTES;
        long checksEnd = from + end;
        long checkFrom = checks;
        for (int first = 0; first < ENTRIES; first += Long.SIZE) {
            long word = MEMORY.readLong(bitmap + first / Byte.SIZE);
            for (; word != 0; word &= word - 1) {
                int i = first + Long.numberOfTrailingZeros(word);
                long entry = MEMORY.readLong(entryFrom);
                entryFrom += Long.BYTES;
                if (entry == ZERO) {
                    Frame.set(frame, i, ZERO, 0);
                    continue;
                }
                if (!isPointer(entry) || checkFrom == checksEnd) {
                    throw damaged(level, firstBlock, "has an impossible entry or no check value at", i, "");
                }
                Frame.set(frame, i, entry, MEMORY.readInt(checkFrom));
                checkFrom += Integer.BYTES;
            }
        }
        requireEnd(checkFrom, checksEnd, level, firstBlock);
    }

    private static void unpackRuns(long from, int end, int level, long firstBlock, long frame) {
        int runs = MEMORY.readShort(from + RUN_COUNT_OFFSET) & 0xFFFF;
        if (runsBytes(runs, 0) > end) {
            throw damaged(level, firstBlock, "is too short for", runs, "runs");
        }
        long run = from + HEADER_BYTES;
        long checkFrom = run + (long) runs * RUN_BYTES;
        long checksEnd = from + end;
        int next = 0;
        int entries = 0;
        for (int r = 0; r < runs; r++, run += RUN_BYTES) {
            int first = MEMORY.readShort(run + RUN_FIRST_OFFSET) & 0xFFFF;
            int lengthAndKind = MEMORY.readShort(run + RUN_LENGTH_OFFSET) & 0xFFFF;
            int count = lengthAndKind & ~FRAME_RUN;
            int stride = count == lengthAndKind ? DATA_STRIDE : FRAME_STRIDE;
            long entry = MEMORY.readLong(run + RUN_ENTRY_OFFSET);
            if (first < next || count == 0 || first + count > ENTRIES) {
                throw damaged(level, firstBlock, "has a run out of order or range, number", r, "");
            }
            next = first + count;
            entries += count;
            if (entry == ZERO) {
                unpackZeroes(frame, first, count);
                continue;
            }
            boolean overflows = entry + (long) (count - 1) * stride < entry;
            if (!isPointer(entry) || overflows || checksEnd - checkFrom < (long) count * Integer.BYTES) {
                throw damaged(level, firstBlock, "has an impossible entry or no check values in run", r, "");
            }
            unpackData(frame, first, count, entry, stride, checkFrom);
            checkFrom += (long) count * Integer.BYTES;
        }
        if (entries != (MEMORY.readShort(from + ENTRY_COUNT_OFFSET) & 0xFFFF)) {
            throw damaged(level, firstBlock, "has runs of", entries, "entries, which is not what it names");
        }
        requireEnd(checkFrom, checksEnd, level, firstBlock);
    }

    private static void unpackZeroes(long frame, int first, int count) {
        for (int i = first; i < first + count; i++) {
            Frame.set(frame, i, ZERO, 0);
        }
    }

    private static void unpackData(long frame, int first, int count, long entry, int stride, long checks) {
        for (int i = 0; i < count; i++) {
            Frame.set(frame, first + i, entry + (long) i * stride, MEMORY.readInt(checks + (long) i * Integer.BYTES));
        }
    }

    /**
     * CRC32C of {@code length} bytes from {@code offset} on: the check value that belongs beside the page's pointer.
     */
    public int check(ByteBuffer packed, int offset, int length) {
        int position = packed.position();
        int limit = packed.limit();
        crc.reset();
        crc.update(packed.limit(offset + length).position(offset));
        packed.limit(limit).position(position);
        return (int) crc.getValue();
    }

    private static long address(ByteBuffer packed, int offset, int length) {
        if (!packed.isDirect() || offset < 0 || length < 0 || offset > packed.capacity() - length) {
            throw new IndexOutOfBoundsException(
                    length + " bytes at " + offset + " of a buffer of " + packed.capacity() + ", which must be direct");
        }
        return Jvm.address(packed) + offset;
    }

    private static void requirePointer(long entry, int index) {
        if (!isPointer(entry)) {
            throw new IllegalStateException("entry " + index + " has no place on disk: " + Long.toHexString(entry));
        }
    }

    private static boolean isPointer(long entry) {
        return entry > Frame.CHILD;
    }

    private static void requireEnd(long reached, long end, int level, long firstBlock) {
        if (reached != end) {
            throw damaged(level, firstBlock, "has bytes too many:", end - reached, "");
        }
    }

    private static DamagedPageException damaged(int level, long firstBlock, String what, long value, String unit) {
        return new DamagedPageException("the map page of level " + level + " for block " + firstBlock + " " + what + " "
                + value + (unit.isEmpty() ? "" : " " + unit));
    }
}
