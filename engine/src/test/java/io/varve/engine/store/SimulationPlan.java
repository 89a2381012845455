package io.varve.engine.store;

import io.varve.engine.StoreOptions;
import java.util.EnumSet;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What a seed decides before anything happens: how small the store is, and what goes wrong beside the crashes. Not
 * everything goes wrong at once, so that what must still hold can be told.
 *
 * @param seed the seed of all chance
 * @param lives how often the store is started and ended
 * @param regions the parts of a volume that are used
 * @param options the limits of the store
 * @param maxUnits the longest request, in units of its alignment
 * @param faults what may go wrong
 */
record SimulationPlan(
        long seed, int lives, Regions regions, StoreOptions options, int maxUnits, Set<SimulationPlan.Fault> faults) {
    /** The disk's size when nothing is scarce. */
    static final long DISK_BYTES = 1L << 30;

    /** What may go wrong. */
    enum Fault {
        /** Syncs fail; dirty pages are lost and marked clean. */
        SYNC,
        /** Writes fail, some after a part of them was done. */
        WRITE,
        /** Reads of segments and of the map fail. */
        READ,
        /** Files cannot be made, allocated or deleted. */
        FILE,
        /** The disk fills up and has room again. */
        FULL,
        /** The medium is damaged while the store is down: flipped bits, lost and misdirected writes. */
        DAMAGE
    }

    static SimulationPlan draw(long seed) {
        SplittableRandom random = new SplittableRandom(seed * 31 + 7);
        boolean large = random.nextInt(12) == 0;
        int segment = large ? 4 << 20 : 64 << 10 << random.nextInt(4);
        long log = large ? 8 << 20 : 4L * segment;
        Set<Fault> faults = EnumSet.noneOf(Fault.class);
        if (random.nextInt(5) > 1) {
            for (Fault fault : Fault.values()) {
                if (random.nextInt(4) == 0) {
                    faults.add(fault);
                }
            }
        }
        return new SimulationPlan(
                seed,
                large ? 2 : 3,
                large ? Regions.LARGE : Regions.SMALL,
                new StoreOptions(1, log, log, log, segment)
                        .withBallast(256 << 10)
                        .withScrub(random.nextInt(3) == 0 ? 1L << 20 << random.nextInt(6) : 0),
                large ? 600 : 4,
                faults);
    }

    boolean has(Fault fault) {
        return faults.contains(fault);
    }

    /** True if something may fail that makes a volume refuse service. */
    boolean hasIoFaults() {
        return has(Fault.SYNC) || has(Fault.WRITE) || has(Fault.READ) || has(Fault.FILE);
    }

    @Override
    public String toString() {
        return "seed " + seed + " (" + (options.maxSegmentBytes() >> 10) + " KiB segments, faults " + faults + ")";
    }
}
