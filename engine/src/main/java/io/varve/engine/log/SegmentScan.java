package io.varve.engine.log;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Finds the records of a sealed segment by their headers, one after the other. Payloads are not looked at. */
final class SegmentScan {
    private static final int WINDOW_BYTES = 1 << 20;

    private final Segment segment;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer seed = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer window = ContainerDescriptor.direct(WINDOW_BYTES);
    private long windowStart;
    private long windowEnd;

    private SegmentScan(Segment segment) {
        this.segment = segment;
    }

    /** The blocks of its DATA records, up to the first header that is none. Waits for storage. */
    static SegmentContents contents(Segment segment) {
        return new SegmentScan(segment).contents();
    }

    private SegmentContents contents() {
        SegmentContents contents = new SegmentContents((int) (segment.capacityBytes() / BlockAddress.SLOT_BYTES / 128));
        long at = SegmentDescriptor.HEADER_BYTES;
        while (at + RecordDescriptor.HEADER_BYTES <= segment.capacityBytes()) {
            int header = bringIn(at);
            if (!RecordDescriptor.isValid(window, header, segment.id(), crc, seed)) {
                break;
            }
            long payload = at + RecordDescriptor.HEADER_BYTES;
            if (RecordDescriptor.type(window, header) == RecordDescriptor.DATA) {
                long first = RecordDescriptor.firstBlock(window, header);
                long count = RecordDescriptor.blockCount(window, header);
                for (int i = 0; i < count; i++) {
                    contents.add(segment.addressAt(at) + (long) i * segment.blockSlots(), first + i);
                }
            }
            at = segment.nextRecord(payload + RecordDescriptor.length(window, header));
        }
        return contents;
    }

    private int bringIn(long offset) {
        if (offset < windowStart || offset + RecordDescriptor.HEADER_BYTES > windowEnd) {
            windowStart = offset;
            windowEnd = Math.min(offset + WINDOW_BYTES, segment.capacityBytes());
            window.clear().limit((int) (windowEnd - windowStart));
            segment.file().read(windowStart, window);
            window.clear();
        }
        return (int) (offset - windowStart);
    }
}
