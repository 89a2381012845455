package io.varve.engine.store;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The runs of blocks of a volume that a simulation works on, counted as sectors of 512 bytes from 0 on, and what stands
 * in a sector. The last run lies beyond the size that a volume is created with.
 */
final class Regions {
    static final int SECTOR_BYTES = 512;
    static final int SECTORS_PER_BLOCK = 8;
    private static final int SECTOR_INTS = SECTOR_BYTES / Integer.BYTES;

    /** At the start, across two leaves of the map, in another subtree, at the volume's end, and behind it. */
    static final Regions SMALL =
            new Regions(new long[] {0, 510, 1 << 17, (1 << 18) - 3, 1 << 18}, new int[] {5, 4, 3, 3, 2});

    /** Room for requests of several MiB. */
    static final Regions LARGE = new Regions(new long[] {0, 1 << 18}, new int[] {1600, 16});

    private final long[] starts;
    private final int[] blocks;
    private final int[] firstSectors;

    private Regions(long[] starts, int[] blocks) {
        this.starts = starts;
        this.blocks = blocks;
        firstSectors = new int[blocks.length + 1];
        for (int i = 0; i < blocks.length; i++) {
            firstSectors[i + 1] = firstSectors[i] + blocks[i] * SECTORS_PER_BLOCK;
        }
    }

    /** The size that volumes are created with: without the last run. */
    long sizeBytes() {
        return starts[starts.length - 1] * SECTORS_PER_BLOCK * SECTOR_BYTES;
    }

    /** The size that holds the last run too. */
    long extendedBytes() {
        return sizeBytes() + (long) blocks[blocks.length - 1] * SECTORS_PER_BLOCK * SECTOR_BYTES;
    }

    int runs() {
        return blocks.length;
    }

    int sectors() {
        return firstSectors[blocks.length];
    }

    int sectors(int run) {
        return blocks[run] * SECTORS_PER_BLOCK;
    }

    int firstSector(int run) {
        return firstSectors[run];
    }

    long offset(int run) {
        return starts[run] * SECTORS_PER_BLOCK * SECTOR_BYTES;
    }

    /** Where a sector is on the volume. */
    long offsetOf(int sector) {
        int run = blocks.length - 1;
        while (firstSectors[run] > sector) {
            run--;
        }
        return offset(run) + (long) (sector - firstSectors[run]) * SECTOR_BYTES;
    }

    /** How many sectors a volume of that size has. */
    int sectorsWithin(long sizeBytes) {
        return sizeBytes >= extendedBytes() ? sectors() : firstSectors[blocks.length - 1];
    }

    /** What a change writes: its stamp in every sector, and behind it what follows from stamp and place. */
    static void put(ByteBuffer bytes, int stamp, int firstSector, int sectors) {
        for (int i = 0; i < sectors * SECTOR_INTS; i++) {
            bytes.putInt(word(stamp, firstSector + i / SECTOR_INTS, i % SECTOR_INTS));
        }
    }

    /** One int of a sector; odd stamps cannot be compressed. */
    private static int word(int stamp, int sector, int index) {
        if (index == 0 || stamp == 0) {
            return stamp;
        }
        int mixed = stamp * 0x9E3779B9 ^ sector * 0x85EBCA6B;
        return (stamp & 1) == 0 ? mixed : (mixed ^ index * 0xC2B2AE35) * 0x27D4EB2F;
    }

    /** The stamps of sectors that were read; -1 for one that no single change has written there. */
    static int[] stamps(ByteBuffer bytes, int firstSector) {
        int[] stamps = new int[bytes.remaining() / SECTOR_BYTES];
        for (int i = 0; i < stamps.length * SECTOR_INTS; i++) {
            int at = i / SECTOR_INTS;
            int found = bytes.getInt(i * Integer.BYTES);
            stamps[at] = i % SECTOR_INTS == 0 ? found : stamps[at];
            if (found != word(stamps[at], firstSector + at, i % SECTOR_INTS)) {
                stamps[at] = -1;
            }
        }
        return stamps;
    }

    @Override
    public String toString() {
        return Arrays.toString(blocks);
    }
}
