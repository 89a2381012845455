package io.varve.engine.store;

import java.util.concurrent.atomic.LongAdder;

/** What compaction did since the store was opened. Any thread. */
final class CompactionCounters {
    /** Blocks copied into containers. */
    final LongAdder blocksCopied = new LongAdder();
    /** Bytes written to containers, indexes included. */
    final LongAdder bytesWritten = new LongAdder();
    /** Frames that were kept compressed. */
    final LongAdder framesPacked = new LongAdder();
    /** Segments that could not be moved because something of them is damaged. */
    final LongAdder segmentsStuck = new LongAdder();
}
