package io.varve.engine.store;

import io.varve.engine.EngineThreads;
import io.varve.engine.StoreException;
import io.varve.engine.StoreOptions;
import io.varve.engine.log.LogPosition;
import io.varve.engine.log.Segment;
import io.varve.engine.log.SegmentCapacity;
import io.varve.engine.log.SegmentDescriptor;
import io.varve.engine.log.SegmentStore;
import io.varve.engine.qos.Throttle;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Gives one open volume what it asks for: a log to begin, segments to go on in, checkpoints. */
final class HostOfVolume implements VolumeHost {
    private final VolumeEntry entry;
    private final Services services;

    /**
     * What it is made of, the same for every volume.
     *
     * @param released told of a volume that was given back by one of its holders, as a task of the accountant
     */
    record Services(
            AccountantTasks tasks,
            Checkpoints checkpoints,
            Checkpointer checkpointer,
            StoreParts parts,
            StoreOptions options,
            EngineThreads threads,
            Consumer<VolumeEntry> released) {}

    HostOfVolume(VolumeEntry entry, Services services) {
        this.entry = entry;
        this.services = services;
    }

    @Override
    public CompletableFuture<LogStart> startLog(long capacityBytes, boolean framed, boolean fromBallast) {
        return services.tasks().call(() -> {
            if (entry.row.isOpenForWriting()) {
                // The row does not know the end of the log before: the checkpoint that was to end it left it out.
                throw new StoreException(
                        StoreException.Kind.IO, "the log of volume " + entry.id + " has failed; open it anew");
            }
            if (fromBallast) {
                services.checkpointer().reserveFromBallast();
            } else {
                services.checkpointer().reserve();
            }
            LogPosition previous = entry.row.position();
            Segment first = prepare(capacityBytes, 0, false, framed, fromBallast);
            int epoch = nextEpoch(entry.row);
            entry.row.setEpoch(epoch);
            entry.row.setOpenForWriting(true);
            entry.row.setPosition(new LogPosition(
                    first.id(), SegmentDescriptor.HEADER_BYTES, previous.sequence(), previous.previousCheck()));
            services.checkpoints().commitTables();
            return new LogStart(epoch, first, previous);
        });
    }

    /** Larger than any that a record of the volume was ever written under. */
    private static int nextEpoch(VolumeRow row) {
        return row.epoch() + 1;
    }

    @Override
    public CompletableFuture<Segment> prepareSegment(
            long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast) {
        return services.tasks().callInBackground(() -> prepare(capacityBytes, leastBytes, zeroed, framed, fromBallast));
    }

    /** Any thread but the loops. */
    private Segment prepare(long capacityBytes, long leastBytes, boolean zeroed, boolean framed, boolean fromBallast) {
        SegmentStore segments = services.parts().segments();
        Ballast ballast = services.parts().ballast();
        if (fromBallast) {
            long least = SegmentCapacity.next(0, services.options().maxSegmentBytes());
            return ballast.spend(() -> segments.prepare(entry.number, least, false, framed));
        }
        if (ballast.isShort()) {
            ballast.refill();
        }
        Segment segment = segments.prepareUpTo(entry.number, capacityBytes, leastBytes, zeroed, framed);
        services.checkpoints().segmentTaken();
        return segment;
    }

    @Override
    public void logGrew(OpenVolume volume, long bytes) {
        services.checkpoints().logGrew(entry, bytes);
    }

    @Override
    public void checkpointWanted() {
        services.checkpoints().queue();
    }

    @Override
    public boolean hasNoRoomForCheckpoint() {
        return services.checkpoints().hasNoRoom();
    }

    @Override
    public Throttle throttle() {
        return entry.throttle;
    }

    @Override
    public long nanoTime() {
        return services.threads().nanoTime();
    }

    @Override
    public long maxSegmentBytes() {
        return services.options().maxSegmentBytes();
    }

    @Override
    public void released(OpenVolume volume) {
        CompletableFuture<Void> unused =
                services.tasks().run(() -> services.released().accept(entry));
    }

    @Override
    public void statusChanged(OpenVolume volume) {
        entry.status = volume.status();
    }
}
