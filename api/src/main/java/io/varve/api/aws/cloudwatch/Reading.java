package io.varve.api.aws.cloudwatch;

import io.varve.engine.BlockStore;
import io.varve.engine.LatencyHistogram;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeCounters.Operation;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a volume's counters say at some time, or by how much they grew since another reading.
 *
 * @param readNanos the times of all reads together, from request to completion
 * @param burstPercent how full the bucket of credits is; empty if there is none
 */
record Reading(
        VolumeId volume,
        long reads,
        long writes,
        long readBytes,
        long writeBytes,
        long readNanos,
        long writeNanos,
        long ioUnits,
        OptionalDouble burstPercent) {
    /** Every volume that was opened in this process. Cheap, but not for a data loop. */
    static List<Reading> all(BlockStore store) {
        List<Reading> readings = new ArrayList<>();
        for (VolumeRecord volume : store.volumes()) {
            store.counters(volume.id())
                    .ifPresent(counters -> readings.add(of(volume.id(), counters, burst(store, volume.id()))));
        }
        return readings;
    }

    private static OptionalDouble burst(BlockStore store, VolumeId id) {
        try {
            return store.burstBalance(id).stream()
                    .mapToDouble(balance -> balance.percent())
                    .findFirst();
        } catch (StoreException e) { // deleted meanwhile
            return OptionalDouble.empty();
        }
    }

    static Reading of(VolumeId volume, VolumeCounters counters, OptionalDouble burstPercent) {
        LatencyHistogram reads = counters.latency(Operation.READ);
        LatencyHistogram writes = counters.latency(Operation.WRITE);
        return new Reading(
                volume,
                reads.totalCount(),
                writes.totalCount(),
                counters.bytes(Operation.READ),
                counters.bytes(Operation.WRITE),
                reads.sumNanos(),
                writes.sumNanos(),
                counters.ioUnits.get(),
                burstPercent);
    }

    /** By how much this one is more than an earlier one. */
    Reading since(Reading earlier) {
        return new Reading(
                volume,
                reads - earlier.reads,
                writes - earlier.writes,
                readBytes - earlier.readBytes,
                writeBytes - earlier.writeBytes,
                readNanos - earlier.readNanos,
                writeNanos - earlier.writeNanos,
                ioUnits - earlier.ioUnits,
                burstPercent);
    }
}
