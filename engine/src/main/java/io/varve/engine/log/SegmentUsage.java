package io.varve.engine.log;

import io.varve.engine.meta.Table;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How each segment is used: how many of its blocks somebody can read, and whether its volume may still append to it.
 * Keeps the segments' rows in the table. Accountant only.
 */
final class SegmentUsage {
    private final Table table;
    private final Map<Long, Use> uses = new HashMap<>();
    /** Those that are not sealed, by volume. */
    private final Map<Long, Set<Use>> open = new HashMap<>();
    /** Those that are sealed and had no live block when that was last looked at. */
    private final Set<Use> perhapsDead = new LinkedHashSet<>();

    private long liveBlocks;
    private long fileBytes;

    /** What is known of one segment. */
    private static final class Use {
        Segment segment;
        final int row;
        boolean sealed;
        long live;

        Use(Segment segment, int row) {
            this.segment = segment;
            this.row = row;
        }

        boolean isDead() {
            return sealed && live == 0;
        }
    }

    SegmentUsage(Table table) {
        this.table = table;
    }

    // ---- which segments there are ----

    /** Takes in a segment as its row has it. */
    void open(Segment segment, int row) {
        Use use = new Use(segment, row);
        use.live = table.getInt(row, SegmentRow.LIVE_BLOCKS);
        use.sealed = table.kind(row) != SegmentRow.OPEN;
        liveBlocks += use.live;
        add(use);
    }

    /** Takes in a segment that was just begun; its row says no more yet than that it is OPEN. */
    void begin(Segment segment, int row) {
        table.putByte(row, SegmentRow.FLAGS, segment.framed() ? SegmentRow.FLAG_FRAMED : 0);
        table.putLong(row, SegmentRow.ID, segment.id());
        table.putLong(row, SegmentRow.FILE, segment.fileNumber());
        table.putLong(row, SegmentRow.CAPACITY, segment.capacityBytes());
        table.putLong(row, SegmentRow.VOLUME, segment.volume());
        table.putInt(row, SegmentRow.LIVE_BLOCKS, 0);
        add(new Use(segment, row));
    }

    private void add(Use use) {
        uses.put(use.segment.id(), use);
        fileBytes += ownFileBytes(use.segment);
        if (use.sealed) {
            noteIfDead(use);
        } else {
            open.computeIfAbsent(use.segment.volume(), volume -> new LinkedHashSet<>())
                    .add(use);
        }
    }

    private void noteIfDead(Use use) {
        if (use.isDead()) {
            perhapsDead.add(use);
        }
    }

    private static long ownFileBytes(Segment segment) {
        return segment.moved() == null ? segment.capacityBytes() : 0;
    }

    /** The segment of that id as it is now; null if there is none. */
    @Nullable
    Segment segment(long id) {
        Use use = uses.get(id);
        return use == null ? null : use.segment;
    }

    /** What was behind {@code shorter}'s end is given up. */
    void shorten(Segment shorter) {
        Use use = used(shorter.id());
        table.putLong(use.row, SegmentRow.CAPACITY, shorter.capacityBytes());
        replace(use, shorter);
    }

    /** The segment's live blocks are in a container now, at {@code place}. */
    void move(Segment moved, MovedSegment.Place place) {
        Use use = used(moved.id());
        table.putKind(use.row, SegmentRow.MOVED);
        table.putLong(use.row, SegmentRow.FILE, moved.fileNumber());
        SegmentRow.putPlace(table, use.row, place);
        replace(use, moved);
    }

    private void replace(Use use, Segment after) {
        fileBytes += ownFileBytes(after) - ownFileBytes(use.segment);
        use.segment = after;
    }

    private Use used(long id) {
        Use use = uses.get(id);
        if (use == null) {
            throw new IllegalStateException("segment " + id + " is gone");
        }
        return use;
    }

    /** Forgets every sealed segment without a live block, and tells {@code removed} of it. */
    void removeDead(Consumer<Segment> removed) {
        for (Use use : perhapsDead) {
            if (use.isDead()) {
                uses.remove(use.segment.id());
                fileBytes -= ownFileBytes(use.segment);
                table.free(use.row);
                removed.accept(use.segment);
            }
        }
        perhapsDead.clear();
    }

    /** The numbers of the files that they are in. */
    Set<Long> fileNumbers() {
        Set<Long> numbers = new HashSet<>();
        uses.values().forEach(use -> numbers.add(use.segment.fileNumber()));
        return numbers;
    }

    // ---- sealing ----

    /** Nothing is appended to the segment any more, and no checkpoint from now on replays it. */
    void seal(long id) {
        Use use = uses.get(id);
        if (use == null || use.sealed) {
            return;
        }
        use.sealed = true;
        table.putKind(use.row, SegmentRow.SEALED);
        if (use.segment.packed() instanceof FramedSegment frames) {
            table.putInt(use.row, SegmentRow.BLOCKS, frames.blocksWritten());
            table.putInt(use.row, SegmentRow.STORED_BYTES, frames.bytesWritten());
        }
        Set<Use> others = open.get(use.segment.volume());
        if (others != null && others.remove(use) && others.isEmpty()) {
            open.remove(use.segment.volume());
        }
        noteIfDead(use);
    }

    /** A volume's segments that are not sealed. */
    List<Segment> openSegments(long volume) {
        return open.getOrDefault(volume, Set.of()).stream()
                .map(use -> use.segment)
                .toList();
    }

    // ---- counts ----

    /** Changes how many blocks of a segment are live. */
    void addLive(long id, int blocks) {
        Use use = uses.get(id);
        if (use == null) {
            throw new IllegalStateException("no segment " + id + " to count " + blocks + " blocks in");
        }
        use.live += blocks;
        liveBlocks += blocks;
        if (use.live < 0) {
            throw new IllegalStateException("segment " + id + " has " + use.live + " live blocks");
        }
        table.putInt(use.row, SegmentRow.LIVE_BLOCKS, (int) use.live);
        noteIfDead(use);
    }

    /** How many blocks of the segment are live; 0 if there is no such segment. */
    long liveBlocks(long id) {
        Use use = uses.get(id);
        return use == null ? 0 : use.live;
    }

    /** Blocks that are live in all segments. */
    long liveBlocks() {
        return liveBlocks;
    }

    /** About how many bytes the live blocks of all segments take, compressed as they are. */
    long storedBytes() {
        return uses.values().stream().mapToLong(this::storedBytes).sum();
    }

    private long storedBytes(Use use) {
        long blocks = table.getInt(use.row, SegmentRow.BLOCKS);
        if (blocks == 0) {
            return Math.min(use.live * ContainerDescriptor.BLOCK_BYTES, use.segment.capacityBytes());
        }
        return table.getInt(use.row, SegmentRow.STORED_BYTES) * use.live / blocks;
    }

    /** Bytes of the files of segments that are not in containers. */
    long fileBytes() {
        return fileBytes;
    }

    /** Files of sealed segments that are not in containers. */
    List<SegmentStore.Candidate> candidates() {
        List<SegmentStore.Candidate> found = new ArrayList<>();
        for (Use use : uses.values()) {
            Segment segment = use.segment;
            if (use.sealed && segment.moved() == null) {
                long stored = storedBytes(use);
                long index = new ContainerDescriptor.Index((int) use.live, segment.framed()).bytes();
                found.add(new SegmentStore.Candidate(
                        List.of(segment), use.live, stored, stored + index, segment.capacityBytes()));
            }
        }
        return found;
    }

    /** A container of so many bytes in which the segments with these ids are. */
    SegmentStore.Candidate container(Set<Long> ids, long bytes) {
        List<Segment> held = new ArrayList<>();
        long live = 0;
        long stored = 0;
        for (long id : ids) {
            Use use = uses.get(id);
            if (use != null) {
                held.add(use.segment);
                live += use.live;
                stored += storedBytes(use);
            }
        }
        return new SegmentStore.Candidate(held, live, stored, stored, bytes);
    }
}
