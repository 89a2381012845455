package io.varve.engine;

/** What of a volume's blocks is stored compressed, by LZ4 in frames of up to 64 KiB of neighbours. */
public enum Compression {
    /** What compaction moves, where that saves at least an eighth. Writing costs nothing more. The default. */
    AUTO,
    /** Nothing. */
    OFF,
    /**
     * All that is written, before it goes to disk, and what compaction moves, each where that saves at least an eighth.
     */
    LZ4
}
