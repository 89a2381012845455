package io.varve.engine.log;

import io.varve.engine.StoreException;
import io.varve.engine.meta.Table;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The containers of the store: which moved segments each one holds. One that holds none any more is freed. Keeps the
 * containers' rows in the table. Accountant only.
 */
final class Containers {
    private final Table table;
    private final SegmentFiles files;
    private final FrameCache cache;
    /** By file number. */
    private final Map<Long, Container> containers = new HashMap<>();

    private long fileBytes;

    /** A file that holds moved segments. */
    static final class Container {
        private final SegmentFiles.Free file;
        private final int row;
        /** Ids of its segments. */
        private final Set<Long> members = new LinkedHashSet<>();

        private Container(SegmentFiles.Free file, int row) {
            this.file = file;
            this.row = row;
        }
    }

    Containers(Table table, SegmentFiles files, FrameCache cache) {
        this.table = table;
        this.files = files;
        this.cache = cache;
    }

    /** Takes in a container as its row has it. */
    void open(int row) {
        long number = table.getLong(row, SegmentRow.FILE);
        long capacity = table.getLong(row, SegmentRow.CAPACITY);
        add(new SegmentFiles.Free(number, capacity, files.openNamed(number)), row);
    }

    private Container add(SegmentFiles.Free file, int row) {
        Container container = new Container(file, row);
        containers.put(file.number(), container);
        fileBytes += file.capacityBytes();
        return container;
    }

    /** The segment that a row of kind MOVED stands for; its container is open. */
    Segment openMember(int row) {
        long id = table.getLong(row, SegmentRow.ID);
        Container container = containers.get(table.getLong(row, SegmentRow.FILE));
        if (container == null) {
            throw new StoreException(
                    StoreException.Kind.DAMAGED, "segment " + id + " is in a container that is not in the table");
        }
        return hold(
                container,
                id,
                table.getLong(row, SegmentRow.VOLUME),
                table.getLong(row, SegmentRow.CAPACITY),
                SegmentRow.framed(table, row),
                SegmentRow.place(table, row));
    }

    private Segment hold(
            Container container, long id, long volume, long capacity, boolean framed, MovedSegment.Place place) {
        container.members.add(id);
        SegmentFiles.Free file = container.file;
        MovedSegment blocks = new MovedSegment(id, framed, file.file(), place, cache);
        return new Segment(id, volume, file.number(), capacity, file.file(), framed, blocks);
    }

    /** A file that was filled is a container from now on. */
    Container publish(SegmentFiles.Free filled) {
        int row = files.rowFor(filled.number(), SegmentRow.CONTAINER);
        table.putLong(row, SegmentRow.FILE, filled.number());
        table.putLong(row, SegmentRow.CAPACITY, filled.capacityBytes());
        return add(filled, row);
    }

    /**
     * What is live of a segment stands in this container from now on, at {@code place}.
     *
     * @return the segment as it is read there
     */
    Segment hold(Container container, Segment before, MovedSegment.Place place) {
        return hold(container, before.id(), before.volume(), before.capacityBytes(), before.framed(), place);
    }

    /** A segment is no more in the container where it was. */
    void leave(Segment segment) {
        Container container = containers.get(segment.fileNumber());
        if (container == null) {
            throw new IllegalStateException("segment " + segment.id() + " is in no container");
        }
        container.members.remove(segment.id());
        if (container.members.isEmpty()) {
            containers.remove(segment.fileNumber());
            fileBytes -= container.file.capacityBytes();
            table.free(container.row);
            files.free(container.file);
        }
    }

    boolean isEmpty() {
        return containers.isEmpty();
    }

    /** What compaction could empty. */
    List<SegmentStore.Candidate> candidates(SegmentUsage usage) {
        return containers.values().stream()
                .map(container -> usage.container(container.members, container.file.capacityBytes()))
                .toList();
    }

    /** The numbers of their files. */
    Set<Long> fileNumbers() {
        return containers.keySet();
    }

    /** Bytes of their files. */
    long fileBytes() {
        return fileBytes;
    }
}
