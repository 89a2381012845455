package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What was asked of a volume, and what it may therefore hold. The volume is seen as a few runs of blocks, and those as
 * sectors of 512 bytes. Each change writes a stamp of its own into its sectors, so that a sector tells which change it
 * shows; 0 is zeroes. Changes that are under way at the same time do not share a sector, but they may share a block.
 */
final class VolumeHistory {
    static final int SECTOR_BYTES = 512;
    private static final int SECTORS_PER_BLOCK = 8;
    private static final long NEVER = Long.MAX_VALUE;

    /** Runs of blocks: at the start, across two leaves of the map, in another subtree, and at the volume's end. */
    private static final long[] RUN_STARTS = {0, 510, 1 << 17, (1 << 18) - 3};

    private static final int[] RUN_BLOCKS = {5, 4, 3, 3};
    static final int RUNS = RUN_STARTS.length;
    static final int SECTORS = Arrays.stream(RUN_BLOCKS).sum() * SECTORS_PER_BLOCK;

    /** A write, trim or write-zeroes. Times are of the test's own clock, which counts events. */
    static final class Change {
        final int stamp;
        final int first;
        final int end;
        final boolean fua;
        final long submitted;
        long acknowledged = NEVER;

        Change(int stamp, int first, int end, boolean fua, long submitted) {
            this.stamp = stamp;
            this.first = first;
            this.end = end;
            this.fua = fua;
            this.submitted = submitted;
        }

        @Override
        public String toString() {
            return "change %d of sectors %d to %d, submitted at %d, acknowledged at %d, fua %b"
                    .formatted(stamp, first, end, submitted, acknowledged, fua);
        }
    }

    private int[] base;
    private List<Change> changes = new ArrayList<>();
    private final boolean[] busy = new boolean[SECTORS];
    /** Everything acknowledged before this time is on stable storage. */
    private long durableBefore;

    VolumeHistory(int[] base) {
        this.base = base;
    }

    static int firstSector(int run) {
        int first = 0;
        for (int i = 0; i < run; i++) {
            first += sectors(i);
        }
        return first;
    }

    static int sectors(int run) {
        return RUN_BLOCKS[run] * SECTORS_PER_BLOCK;
    }

    static long offset(int run) {
        return RUN_STARTS[run] * SECTORS_PER_BLOCK * SECTOR_BYTES;
    }

    /** Where a sector is on the volume. */
    static long offsetOf(int sector) {
        int run = RUNS - 1;
        while (firstSector(run) > sector) {
            run--;
        }
        return offset(run) + (long) (sector - firstSector(run)) * SECTOR_BYTES;
    }

    static ByteBuffer content(int stamp, int sectors) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(sectors * SECTOR_BYTES);
        while (bytes.hasRemaining()) {
            bytes.putInt(stamp);
        }
        return bytes.flip();
    }

    /** The stamps of what was read, each sector of which must be of one change alone. */
    static int[] stamps(ByteBuffer bytes) {
        int[] stamps = new int[bytes.remaining() / SECTOR_BYTES];
        for (int i = 0; i < bytes.remaining() / Integer.BYTES; i++) {
            int stamp = bytes.getInt(i * Integer.BYTES);
            int sector = i * Integer.BYTES / SECTOR_BYTES;
            stamps[sector] = i % (SECTOR_BYTES / Integer.BYTES) == 0 ? stamp : stamps[sector];
            assertThat(stamp).as("sector %d is torn", sector).isEqualTo(stamps[sector]);
        }
        return stamps;
    }

    boolean isBusy(int first, int end) {
        for (int sector = first; sector < end; sector++) {
            if (busy[sector]) {
                return true;
            }
        }
        return false;
    }

    void submit(Change change) {
        changes.add(change);
        Arrays.fill(busy, change.first, change.end, true);
    }

    void acknowledge(Change change, long now) {
        change.acknowledged = now;
        Arrays.fill(busy, change.first, change.end, false);
        if (change.fua) {
            durableBefore = Math.max(durableBefore, change.submitted);
        }
    }

    /** A change was refused: like one that was never answered, it may show or not. */
    void refuse(Change change) {
        Arrays.fill(busy, change.first, change.end, false);
    }

    /** A flush or a snapshot that was submitted then has been answered. */
    void flushed(long submitted) {
        durableBefore = Math.max(durableBefore, submitted);
    }

    /** Everything that was acknowledged is kept by a process kill, if no sync failed before. */
    void keepAcknowledged() {
        durableBefore = NEVER;
    }

    /** What a snapshot may hold that was asked for at {@code asked} and is answered now, or is not there yet. */
    VolumeHistory ofSnapshot(long asked) {
        VolumeHistory then = new VolumeHistory(base);
        for (Change change : changes) {
            Change same = new Change(change.stamp, change.first, change.end, false, change.submitted);
            same.acknowledged = change.acknowledged;
            then.changes.add(same);
        }
        then.durableBefore = asked;
        return then;
    }

    /** What was found after a crash is the state that the next life starts with. */
    void restart(int[] found) {
        base = found;
        changes = new ArrayList<>();
        Arrays.fill(busy, false);
        durableBefore = 0;
    }

    /** Holds what a read during the life has found against what was acknowledged before it was submitted. */
    void checkRead(int firstSector, int[] found, long submitted) {
        for (int i = 0; i < found.length; i++) {
            int sector = firstSector + i;
            int required = lastRequired(sector, submitted, new boolean[changes.size()]);
            assertThat(shown(sector, found[i], required))
                    .as("sector %d reads as %d, older than what was acknowledged", sector, found[i])
                    .isGreaterThanOrEqualTo(required);
        }
    }

    /**
     * Holds the whole state after a crash against the laws: what is durable is there; so is everything acknowledged
     * before the newest change that shows was even submitted (a prefix); and a change that shows anywhere shows wholly.
     */
    void check(int[] found) {
        boolean[] visible = new boolean[changes.size()];
        long mustHave = durableBefore;
        for (int i = 0; i < changes.size(); i++) {
            Change change = changes.get(i);
            for (int sector = change.first; sector < change.end; sector++) {
                visible[i] |= change.stamp != 0 && found[sector] == change.stamp;
            }
            boolean durable = change.fua && change.acknowledged != NEVER;
            visible[i] |= durable;
            mustHave = visible[i] ? Math.max(mustHave, change.submitted) : mustHave;
        }
        for (int sector = 0; sector < SECTORS; sector++) {
            int required = lastRequired(sector, mustHave, visible);
            assertThat(shown(sector, found[sector], required))
                    .as(
                            "sector %d shows %d, which is older than %s, with %d durable, %d shown",
                            sector,
                            found[sector],
                            required < 0 ? "the start" : changes.get(required),
                            durableBefore,
                            mustHave)
                    .isGreaterThanOrEqualTo(required);
        }
    }

    /** The last change of a sector that must show, or -1. */
    private int lastRequired(int sector, long acknowledgedBefore, boolean[] required) {
        for (int i = changes.size() - 1; i >= 0; i--) {
            Change change = changes.get(i);
            boolean here = change.first <= sector && sector < change.end;
            if (here && (required[i] || change.acknowledged < acknowledgedBefore)) {
                return i;
            }
        }
        return -1;
    }

    /** A change from {@code least} on that a sector may show by holding {@code stamp}; -2 if there is none. */
    private int shown(int sector, int stamp, int least) {
        for (int i = changes.size() - 1; i >= Math.max(0, least); i--) {
            Change change = changes.get(i);
            if (change.first <= sector && sector < change.end && change.stamp == stamp) {
                return i;
            }
        }
        return least < 0 && base[sector] == stamp ? -1 : -2;
    }
}
