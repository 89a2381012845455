package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What a disk has to read as after the death of its server: in each sector the last acknowledged write, or the one in
 * flight at the time, which is there as a whole or not at all (laws 1 and 3). Writes have numbers from 1, from which
 * their content follows; no two in flight touch the same sector.
 */
final class SectorModel {
    static final int SECTOR_BYTES = 512;

    private final long[] writes;
    private final Map<Long, Range> inFlight = new HashMap<>();

    /** Sectors that lie side by side. */
    record Range(int first, int count) {
        boolean overlaps(Range other) {
            return first < other.first + other.count && other.first < first + count;
        }

        long offset() {
            return (long) first * SECTOR_BYTES;
        }
    }

    SectorModel(int sectors) {
        writes = new long[sectors];
    }

    private SectorModel(long[] writes) {
        this.writes = writes;
    }

    int sectors() {
        return writes.length;
    }

    boolean isFree(Range range) {
        return inFlight.values().stream().noneMatch(range::overlaps);
    }

    int inFlight() {
        return inFlight.size();
    }

    void begin(long write, Range range) {
        inFlight.put(write, range);
    }

    void acknowledge(long write) {
        enter(write, inFlight.remove(write));
    }

    private void enter(long write, Range range) {
        Arrays.fill(writes, range.first, range.first + range.count, write);
    }

    /** What is acknowledged now; nothing may be in flight. */
    SectorModel copy() {
        assertThat(inFlight).isEmpty();
        return new SectorModel(writes.clone());
    }

    /** What the write puts into the range. */
    static ByteBuffer content(long write, Range range) {
        ByteBuffer content = ByteBuffer.allocate(range.count * SECTOR_BYTES);
        for (int sector = range.first; sector < range.first + range.count; sector++) {
            fill(content, write, sector);
        }
        return content.flip();
    }

    private static void fill(ByteBuffer content, long write, int sector) {
        for (int word = 0; word < SECTOR_BYTES / Long.BYTES; word++) {
            content.putLong(write == 0 ? 0 : write << 32 | (long) sector << 8 | word);
        }
    }

    /** Holds what the whole disk reads as against the model, and learns which writes in flight it has. */
    void verify(ByteBuffer disk) {
        inFlight.forEach((write, range) -> {
            ByteBuffer found = disk.slice((int) range.offset(), range.count * SECTOR_BYTES);
            if (found.equals(content(write, range))) {
                enter(write, range);
            }
        });
        inFlight.clear();
        ByteBuffer expected = ByteBuffer.allocate(SECTOR_BYTES);
        for (int sector = 0; sector < writes.length; sector++) {
            fill(expected.clear(), writes[sector], sector);
            ByteBuffer found = disk.slice(sector * SECTOR_BYTES, SECTOR_BYTES);
            assertThat(found.equals(expected.flip()))
                    .as("sector %d holds write %d (found: write %d)", sector, writes[sector], found.getLong(0) >>> 32)
                    .isTrue();
        }
    }
}
