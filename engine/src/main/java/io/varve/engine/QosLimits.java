package io.varve.engine;

/**
 * How fast a volume may go. Throttling delays requests, it never rejects them.
 *
 * @param iops operations per second over reads, writes, trims and write-zeroes; 0 for no limit
 * @param bytesPerSecond payload bytes per second over reads and writes; 0 for no limit
 */
public record QosLimits(long iops, long bytesPerSecond) {
    /** No limit at all. */
    public static final QosLimits UNLIMITED = new QosLimits(0, 0);

    public QosLimits {
        if (iops < 0 || bytesPerSecond < 0) {
            throw new IllegalArgumentException("negative limit: iops=" + iops + " bytesPerSecond=" + bytesPerSecond);
        }
    }
}
