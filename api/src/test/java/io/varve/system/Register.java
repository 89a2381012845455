package io.varve.system;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What was done to one block, by whom it may, and whether it can have been done one after the other: the register
 * model, where every write writes another value. Such a history is linearizable if and only if every value is read only
 * once it has begun to be written, the times at which values were surely there do not overlap, and no value came and
 * went within such a time of another (Gibbons and Korach, "Testing Shared Memories", 1997).
 */
final class Register {
    private final Map<Long, Zone> zones = new HashMap<>();

    /**
     * What is known of one value: it was there from the first end of an operation with it to the last beginning of one.
     */
    private static final class Zone {
        final long value;
        long writeBegin = Long.MAX_VALUE;
        long firstEnd = Long.MAX_VALUE;
        long lastBegin = Long.MIN_VALUE;
        long firstReadEnd = Long.MAX_VALUE;

        Zone(long value) {
            this.value = value;
        }

        boolean isForward() {
            return firstEnd < lastBegin;
        }

        long from() {
            return Math.min(firstEnd, lastBegin);
        }

        long to() {
            return Math.max(firstEnd, lastBegin);
        }
    }

    /** @param initial what the block held before the first operation, which is at time 0 or later */
    Register(long initial) {
        write(initial, -1, -1);
    }

    /** A write of a value that nobody else writes. */
    void write(long value, long begin, long end) {
        Zone zone = zone(value, begin, end);
        zone.writeBegin = begin;
    }

    void read(long value, long begin, long end) {
        Zone zone = zone(value, begin, end);
        zone.firstReadEnd = Math.min(zone.firstReadEnd, end);
    }

    private Zone zone(long value, long begin, long end) {
        Zone zone = zones.computeIfAbsent(value, Zone::new);
        zone.firstEnd = Math.min(zone.firstEnd, end);
        zone.lastBegin = Math.max(zone.lastBegin, begin);
        return zone;
    }

    /** What cannot have been; empty if the history is linearizable. */
    Optional<String> contradiction() {
        List<Zone> forward = new ArrayList<>();
        for (Zone zone : zones.values()) {
            if (zone.firstReadEnd < zone.writeBegin) {
                return Optional.of("value " + zone.value + " was read before it was written, or never was");
            }
            if (zone.isForward()) {
                forward.add(zone);
            }
        }
        forward.sort(Comparator.comparingLong(Zone::from));
        for (int i = 1; i < forward.size(); i++) {
            Zone before = forward.get(i - 1);
            Zone after = forward.get(i);
            if (after.from() < before.to()) {
                return Optional.of("values " + before.value + " and " + after.value + " were there at the same time");
            }
        }
        for (Zone zone : zones.values()) {
            if (!zone.isForward()) {
                for (Zone around : forward) {
                    if (around.from() < zone.from() && zone.to() < around.to()) {
                        return Optional.of(
                                "value " + zone.value + " came and went while " + around.value + " was there");
                    }
                }
            }
        }
        return Optional.empty();
    }
}
