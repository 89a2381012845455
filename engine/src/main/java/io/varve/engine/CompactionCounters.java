package io.varve.engine;

import java.util.concurrent.atomic.LongAdder;

/** What compaction did since the store was opened. Any thread. */
public final class CompactionCounters {
    /** Blocks of 4 KiB copied into containers. */
    public final LongAdder blocksCopied = new LongAdder();
    /** Bytes written to containers, indexes included. */
    public final LongAdder bytesWritten = new LongAdder();
    /** Frames of up to 64 KiB that were kept compressed. */
    public final LongAdder framesPacked = new LongAdder();
    /** Segments that could not be moved because something of them is damaged. */
    public final LongAdder segmentsStuck = new LongAdder();
}
