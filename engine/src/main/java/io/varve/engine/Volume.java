package io.varve.engine;

import java.nio.ByteBuffer;

/**
 * An open volume, or a snapshot opened for reading: a block device of {@link #sizeBytes} bytes.
 *
 * <p>Every block request is made on the volume's {@linkplain #loop() loop} and never blocks it. Requests may be at any
 * byte offset and of any length (4 KiB aligned ones are the fast ones); they take effect in the order in which they
 * were made as far as they touch the same blocks. Requests are collected until {@link #submit()}: callers make all the
 * requests that they have at hand and then submit once, so that their payloads are appended by one gathered write.
 * A completion is called on the loop, possibly before the requesting call or {@code submit} returns.
 *
 * <p>One handle may be shared by many callers; each successful {@link BlockStore#open} is paired with one
 * {@link #release}.
 */
public interface Volume {
    /** The largest length of one read or write, in bytes (32 MiB, NBD's customary maximum). */
    int MAX_REQUEST_BYTES = 32 << 20;

    /** The loop on which every other method of this type is called. Any thread. */
    VolumeLoop loop();

    /** The size now; it only ever grows. Any thread. */
    long sizeBytes();

    /** True for snapshots, and for volumes that recovery left read-only. Any thread. */
    boolean readOnly();

    /** Live counters of this volume. Any thread. */
    VolumeCounters counters();

    /**
     * Reads {@code destination.remaining()} bytes at {@code offset} into the direct buffer {@code destination}, which
     * belongs to the engine until the completion; its position and limit are left as they are. Whatever was not written
     * or was trimmed reads as zeroes. Beyond the end: EINVAL.
     */
    void read(long offset, ByteBuffer destination, Completion completion);

    /**
     * Reads like {@link #read(long, ByteBuffer, Completion)}, but leaves {@code destination} alone where whole blocks
     * are holes: {@code report}, which is cleared first, says where, and where a read failed.
     */
    void read(long offset, ByteBuffer destination, ReadReport report, Completion completion);

    /**
     * Writes the direct buffer {@code source} at {@code offset}; the buffer belongs to the engine until the completion;
     * its position and limit are left as they are. Beyond the end: ENOSPC, as NBD asks.
     *
     * @param fua complete only when this write is on stable storage
     */
    void write(long offset, ByteBuffer source, boolean fua, Completion completion);

    /** Completes when everything that was completed on this volume before this call is on stable storage. */
    void flush(Completion completion);

    /**
     * Gives the whole blocks inside the range back: they read as zeroes from now on. The range is rounded inwards to
     * blocks. Beyond the end: EINVAL.
     */
    void trim(long offset, long length, boolean fua, Completion completion);

    /**
     * Makes the range read as zeroes, to the byte. Beyond the end: ENOSPC.
     *
     * @param noHole report the blocks as zero rather than as a hole in block status
     */
    void writeZeroes(long offset, long length, boolean noHole, boolean fua, Completion completion);

    /**
     * Tells what stands in a range, as {@link Extents#DATA}, {@link Extents#HOLE} and {@link Extents#ZERO}; see
     * {@link ExtentSource#query}.
     */
    void blockStatus(long offset, long length, int maxExtents, Extents into, Completion completion);

    /** Ends a batch: what was requested since the last call is carried out. */
    void submit();

    /**
     * True when the volume has as much unfinished work as it may hold: callers stop taking requests in (stop reading
     * their sockets) until {@link #whenWritable}'s task has run.
     */
    boolean congested();

    /** Runs {@code task} once on the loop as soon as the volume is not {@link #congested}. */
    void whenWritable(Runnable task);

    /** Gives this opening back. The volume stays usable for other holders of it. Any thread. */
    void release();
}
