package io.varve.engine.qos;

import io.varve.engine.qos.Throttle.Direction;
import java.util.concurrent.TimeUnit;

/**
 * How many I/O units a request counts for, as EBS counts: large requests are split, and one that goes on where the
 * volume's last one ended, and came within a millisecond of that being let in, fills up that one's last unit first.
 *
 * <p>On the data path; used by one thread, without locks and without allocation.
 */
final class IoUnits {
    private static final long MERGE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private long unitBytes;
    private Direction direction = Direction.NONE;
    private long endOffset;
    private long admittedNanos;
    private long roomBytes;

    /** Changes the size of a unit; 0 to count requests as they come. */
    void resize(long newUnitBytes) {
        unitBytes = newUnitBytes;
        roomBytes = 0;
    }

    /** What a request would count for: 0 if it fits into the unit that was begun. */
    long count(long arrivedNanos, Direction to, long offset, long length) {
        if (unitBytes == 0 || to == Direction.NONE) {
            return 1;
        }
        return unitsOf(Math.max(0, length - roomFor(arrivedNanos, to, offset)));
    }

    /** Remembers a request that was let in, for the one that follows it. */
    void admitted(long nowNanos, long arrivedNanos, Direction to, long offset, long length) {
        if (unitBytes == 0 || to == Direction.NONE) {
            return;
        }
        long beyond = length - roomFor(arrivedNanos, to, offset);
        roomBytes = beyond <= 0 ? -beyond : unitsOf(beyond) * unitBytes - beyond;
        direction = to;
        endOffset = offset + length;
        admittedNanos = nowNanos;
    }

    private long roomFor(long arrivedNanos, Direction to, long offset) {
        boolean goesOn = to == direction && offset == endOffset && arrivedNanos - admittedNanos <= MERGE_NANOS;
        return goesOn ? roomBytes : 0;
    }

    private long unitsOf(long bytes) {
        return (bytes + unitBytes - 1) / unitBytes;
    }
}
