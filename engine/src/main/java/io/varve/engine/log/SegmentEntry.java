package io.varve.engine.log;

import io.varve.engine.meta.Table;
import java.util.ArrayList;
import java.util.List;

/**
 * A row of the table of segments, as a value.
 *
 * @param kind what it is
 * @param id the segment's id; 0 for a container and for a free file
 * @param fileNumber the file that it is in
 * @param capacityBytes the segment's size in the log, or the file's
 * @param volume the number of the volume that wrote it
 * @param liveBlocks how many of its blocks count as live
 * @param framed true for a segment that was written in frames
 */
public record SegmentEntry(
        Kind kind, long id, long fileNumber, long capacityBytes, long volume, int liveBlocks, boolean framed) {
    /** What a row stands for. */
    public enum Kind {
        /** A segment that its volume may still append to. */
        OPEN,
        /** A segment that is complete. */
        SEALED,
        /** A segment whose live blocks are in a container. */
        MOVED,
        /** A file that holds MOVED segments. */
        CONTAINER,
        /** A file that waits for reuse. */
        FREE,
        /** Of a kind that is not known. */
        UNKNOWN;

        private static Kind of(byte kind) {
            return switch (kind) {
                case SegmentRow.OPEN -> OPEN;
                case SegmentRow.SEALED -> SEALED;
                case SegmentRow.MOVED -> MOVED;
                case SegmentRow.CONTAINER -> CONTAINER;
                case SegmentRow.FREE -> FREE;
                default -> UNKNOWN;
            };
        }
    }

    /** True if it stands for a segment, wherever that is now. */
    public boolean isSegment() {
        return kind == Kind.OPEN || kind == Kind.SEALED || kind == Kind.MOVED;
    }

    /** True if a block at byte {@code offset} is within what the segment holds. */
    public boolean covers(long offset) {
        long bytes = framed ? BlockAddress.SLOT_BYTES : FrameCodec.BLOCK_BYTES;
        return offset >= SegmentDescriptor.HEADER_BYTES && offset + bytes <= capacityBytes;
    }

    /** The name of the file that it is in. */
    public String fileName() {
        return SegmentFiles.name(fileNumber);
    }

    /** Every row of the table. */
    public static List<SegmentEntry> all(Table table) {
        List<SegmentEntry> all = new ArrayList<>();
        for (int row = table.nextUsed(0); row >= 0; row = table.nextUsed(row + 1)) {
            all.add(new SegmentEntry(
                    Kind.of(table.kind(row)),
                    table.getLong(row, SegmentRow.ID),
                    table.getLong(row, SegmentRow.FILE),
                    table.getLong(row, SegmentRow.CAPACITY),
                    table.getLong(row, SegmentRow.VOLUME),
                    table.getInt(row, SegmentRow.LIVE_BLOCKS),
                    SegmentRow.framed(table, row)));
        }
        return all;
    }
}
