package io.varve.engine;

/**
 * Space of the whole store.
 *
 * @param liveBytes bytes of blocks that some volume or snapshot can read, not compressed
 * @param deadBytes bytes in segments beyond what these blocks take there: nothing reads them, or they are headers and
 *     padding
 * @param recyclableBytes bytes of segments that wait for reuse
 * @param mapBytes bytes of the file of map pages
 * @param reserveBytes bytes held back for checkpoints, trims and deletions when the disk is full
 * @param freeBytes bytes that the file system has free for us
 */
public record StoreUsage(
        long liveBytes, long deadBytes, long recyclableBytes, long mapBytes, long reserveBytes, long freeBytes) {}
