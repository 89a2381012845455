package io.varve.engine.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was asked of a volume since its last start, and what it may therefore hold: the oracle of the laws 1 to 3, 7
 * and 8. Each change writes a stamp of its own into its sectors, so that a sector tells which change it shows; 0 is
 * zeroes. Changes that are under way at the same time may share sectors: they take effect in the order of the requests.
 *
 * <p>Times are of the test's own clock, which counts events.
 */
final class VolumeHistory {
    private static final long NEVER = Long.MAX_VALUE;

    /** A write, trim or write-zeroes, or a piece of a long write. */
    static final class Change {
        final int stamp;
        final int first;
        final int end;
        final boolean fua;
        final long submitted;
        /** The piece that comes before it in the log. */
        final @Nullable Change before;

        long acknowledged = NEVER;
        private int index;

        Change(int stamp, int first, int end, boolean fua, long submitted, @Nullable Change before) {
            this.stamp = stamp;
            this.first = first;
            this.end = end;
            this.fua = fua;
            this.submitted = submitted;
            this.before = before;
        }

        @Override
        public String toString() {
            return "change %d of sectors %d to %d, submitted at %d, acknowledged at %s%s"
                    .formatted(
                            stamp,
                            first,
                            end,
                            submitted,
                            acknowledged == NEVER ? "no time" : acknowledged,
                            fua ? ", fua" : "");
        }
    }

    private final List<Change> changes;
    /** For each sector the indices of its changes, oldest first. */
    private final int[][] ofSector;

    private final int[] counts;
    private int[] base;
    /** For each sector the newest change that a read has shown, and when that read was over. */
    private final int[] seen;

    private final long[] seenAt;
    /** Everything acknowledged before this time is on stable storage. */
    private long durableBefore;

    VolumeHistory(int[] base) {
        this(base, new ArrayList<>(), new int[base.length][], new int[base.length], 0);
    }

    private VolumeHistory(int[] base, List<Change> changes, int[][] ofSector, int[] counts, long durableBefore) {
        this.base = base;
        this.changes = changes;
        this.ofSector = ofSector;
        this.counts = counts;
        this.durableBefore = durableBefore;
        seen = new int[base.length];
        seenAt = new long[base.length];
        Arrays.fill(seen, -1);
    }

    /** What the volume held at its last start. */
    int[] base() {
        return base;
    }

    void submit(Change change) {
        change.index = changes.size();
        changes.add(change);
        for (int sector = change.first; sector < change.end; sector++) {
            int count = counts[sector]++;
            int[] indices = ofSector[sector];
            if (indices == null || count == indices.length) {
                indices = indices == null ? new int[4] : Arrays.copyOf(indices, 2 * count);
                ofSector[sector] = indices;
            }
            indices[count] = change.index;
        }
    }

    void acknowledge(Change change, long now) {
        change.acknowledged = now;
        if (change.fua) {
            durableBefore = Math.max(durableBefore, change.submitted);
        }
    }

    /** A flush or a snapshot that was submitted then has been answered. */
    void flushed(long submitted) {
        durableBefore = Math.max(durableBefore, submitted);
    }

    /** Everything that was acknowledged is kept: by a process kill or a clean end, if no sync failed before. */
    void keepAcknowledged() {
        durableBefore = NEVER;
    }

    /** What a snapshot may hold that was asked for at {@code asked} and is answered now, or is not there yet. */
    VolumeHistory ofSnapshot(long asked) {
        List<Change> then = new ArrayList<>();
        for (Change change : changes) {
            Change before = change.before == null ? null : then.get(change.before.index);
            Change same = new Change(change.stamp, change.first, change.end, false, change.submitted, before);
            same.index = change.index;
            same.acknowledged = change.acknowledged;
            then.add(same);
        }
        int[][] indices = new int[ofSector.length][];
        for (int i = 0; i < indices.length; i++) {
            indices[i] = ofSector[i] == null ? null : ofSector[i].clone();
        }
        return new VolumeHistory(base, then, indices, counts.clone(), asked);
    }

    /** What was found after a crash is the state that the next life starts with. */
    void restart(int[] found) {
        base = found;
        changes.clear();
        Arrays.fill(counts, 0);
        Arrays.fill(ofSector, null);
        Arrays.fill(seen, -1);
        Arrays.fill(seenAt, 0);
        durableBefore = 0;
    }

    /**
     * Holds what a read during the life has found against what was acknowledged before it was submitted, and against
     * what reads that were over by then have shown.
     */
    void checkRead(int firstSector, int[] found, long submitted, long now) {
        for (int i = 0; i < found.length; i++) {
            int sector = firstSector + i;
            int required = seenAt[sector] < submitted ? seen[sector] : -1;
            for (int at = counts[sector] - 1; at >= 0 && ofSector[sector][at] > required; at--) {
                if (changes.get(ofSector[sector][at]).acknowledged < submitted) {
                    required = ofSector[sector][at];
                }
            }
            int shown = oldestShown(sector, found[i], required);
            require(shown >= -1, "a read shows %s, %s", sector, found[i], required);
            if (shown > seen[sector]) {
                seen[sector] = shown;
                seenAt[sector] = now;
            }
        }
    }

    /**
     * Holds the whole state after a crash against the laws: what is durable is there; so is everything acknowledged
     * before the newest change that shows was even submitted (a prefix); and a change that shows anywhere shows wholly.
     *
     * @param blind sectors that could not be read, or null
     */
    void check(int[] found, boolean @Nullable [] blind) {
        boolean[] visible = new boolean[changes.size()];
        long mustHave = durableBefore;
        for (Change change : changes) {
            boolean shows = change.fua && change.acknowledged != NEVER;
            for (int sector = change.first; sector < change.end && !shows && change.stamp != 0; sector++) {
                shows = found[sector] == change.stamp && (blind == null || !blind[sector]);
            }
            if (shows) {
                mustHave = Math.max(mustHave, change.submitted);
                for (Change piece = change; piece != null; piece = piece.before) {
                    visible[piece.index] = true;
                }
            }
        }
        long reached = -1;
        while (reached < mustHave) {
            reached = mustHave;
            for (int sector = 0; sector < base.length; sector++) {
                if (blind == null || !blind[sector]) {
                    mustHave = Math.max(mustHave, checkSector(sector, found[sector], mustHave, visible));
                }
            }
        }
    }

    /** Answers when the oldest change was submitted that the sector can be showing. */
    private long checkSector(int sector, int stamp, long acknowledgedBefore, boolean[] visible) {
        int required = -1;
        for (int at = counts[sector] - 1; at >= 0 && required < 0; at--) {
            int index = ofSector[sector][at];
            if (visible[index] || changes.get(index).acknowledged < acknowledgedBefore) {
                required = index;
            }
        }
        int shown = oldestShown(sector, stamp, required);
        require(shown >= -1, "the volume shows %s, %s", sector, stamp, required);
        return shown < 0 ? -1 : changes.get(shown).submitted;
    }

    /**
     * The oldest change from {@code least} on that a sector shows by holding {@code stamp}, -1: its start, -2: none.
     */
    private int oldestShown(int sector, int stamp, int least) {
        if (least < 0 && base[sector] == stamp) {
            return -1;
        }
        for (int at = 0; at < counts[sector]; at++) {
            int index = ofSector[sector][at];
            if (index >= least && changes.get(index).stamp == stamp) {
                return index;
            }
        }
        return -2;
    }

    private void require(boolean holds, String what, int sector, int stamp, int required) {
        if (!holds) {
            String least = required < 0 ? "it began with " + base[sector] : "due is " + changes.get(required);
            throw new AssertionError(what.formatted(stamp + " in sector " + sector, least) + "; durable before "
                    + (durableBefore == NEVER ? "now" : durableBefore) + ", history " + historyOf(sector));
        }
    }

    private String historyOf(int sector) {
        StringBuilder all = new StringBuilder();
        for (int at = Math.max(0, counts[sector] - 6); at < counts[sector]; at++) {
            all.append("; ").append(changes.get(ofSector[sector][at]));
        }
        return all.toString();
    }
}
