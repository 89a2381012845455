package io.varve.engine;

import java.util.Optional;

/**
 * How fast a volume may go. Throttling delays requests, it never rejects them.
 *
 * @param iops operations per second over reads, writes, trims and write-zeroes; 0 for no limit
 * @param bytesPerSecond payload bytes per second over reads and writes; 0 for no limit
 * @param ioUnitBytes what one operation may move: larger requests count as several, and those that follow each other
 *     directly as one; 0 to count requests as they come
 * @param burst what is saved for bursts; empty if nothing is
 */
public record QosLimits(long iops, long bytesPerSecond, int ioUnitBytes, Optional<Burst> burst) {
    /** No limit at all. */
    public static final QosLimits UNLIMITED = new QosLimits(0, 0);

    /**
     * Credits: one is spent for each operation or byte, they come back at a lower rate than the limit, and without any
     * the volume goes at that rate.
     *
     * @param resource what they pay for
     * @param perSecond how many come back; up to 4 · 10<sup>9</sup>
     * @param capacity how many there are at first and at most
     */
    public record Burst(Resource resource, long perSecond, long capacity) {
        public Burst {
            if (perSecond <= 0 || perSecond > 4_000_000_000L || capacity <= 0) {
                throw new IllegalArgumentException("perSecond=" + perSecond + " capacity=" + capacity);
            }
        }
    }

    /** What credits pay for. */
    public enum Resource {
        /** I/O units. */
        OPERATIONS,
        /** Bytes, in whole I/O units: a small request at random pays for a whole one. */
        BYTES
    }

    public QosLimits {
        if (iops < 0 || bytesPerSecond < 0 || ioUnitBytes < 0) {
            throw new IllegalArgumentException("negative limit: iops=" + iops + " bytesPerSecond=" + bytesPerSecond
                    + " ioUnitBytes=" + ioUnitBytes);
        }
        if (ioUnitBytes == 0 && countsWholeUnits(burst)) {
            throw new IllegalArgumentException("credits for bytes are counted in units: ioUnitBytes=0");
        }
    }

    /** Plain limits, which count requests as they come. */
    public QosLimits(long iops, long bytesPerSecond) {
        this(iops, bytesPerSecond, 0, Optional.empty());
    }

    /** True if bytes are paid for in whole I/O units. */
    public boolean countsWholeUnits() {
        return countsWholeUnits(burst);
    }

    private static boolean countsWholeUnits(Optional<Burst> burst) {
        return burst.filter(saved -> saved.resource() == Resource.BYTES).isPresent();
    }
}
