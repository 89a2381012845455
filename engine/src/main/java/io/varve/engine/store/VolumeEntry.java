package io.varve.engine.store;

import io.varve.engine.Compression;
import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeStatus;
import io.varve.engine.qos.StoreShares;
import io.varve.engine.qos.Throttle;
import java.time.Instant;
import java.util.Comparator;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A volume of the catalogue. Changed by the accountant only; the volatile fields may be read by any thread. */
final class VolumeEntry {
    static final Comparator<VolumeEntry> OLDEST_FIRST = Comparator.comparingLong(entry -> entry.number);

    final VolumeId id;
    final long number;
    final VolumeRow row;
    final Instant createdAt;
    final Optional<SnapshotId> origin;
    final VolumeCounters counters = new VolumeCounters();
    /** By the loop of the opening that there is. */
    final Throttle throttle = new Throttle();

    /** For {@link #parkFromBytes}: the log goes on. */
    static final long NOT_PARKED = Long.MAX_VALUE;

    /** With so many unused bytes the log is parked by the coming checkpoint. Accountant only. */
    long parkFromBytes = NOT_PARKED;

    private long appendsSeen;
    private int looksAtRest;

    volatile long sizeBytes;
    volatile Compression compression;
    /** No count, of {@link #exclusiveBlocks}. */
    static final long UNKNOWN = -1;

    /** As of the last checkpoint. */
    volatile long usedBlocks;
    /** Blocks that nothing else reads, or {@link #UNKNOWN}; see {@link Sharing}. */
    volatile long exclusiveBlocks = UNKNOWN;

    /** How many hold it open. */
    final AtomicInteger holders = new AtomicInteger();

    /** Its snapshots by number, those being deleted included. Accountant only. */
    final NavigableMap<Long, SnapshotRow> chain = new TreeMap<>();
    /** How many of its snapshots stand in its log and have no row yet. */
    final AtomicInteger snapshotsInLogOnly = new AtomicInteger();

    volatile @Nullable OpenVolume open;
    volatile QosLimits limits = QosLimits.UNLIMITED;
    volatile QosShare share = QosShare.EVEN;
    /** Set at the first opening, in a store that has limits. */
    volatile StoreShares.@Nullable Member member;

    volatile VolumeStatus status = VolumeStatus.OK;

    VolumeEntry(VolumeRow row, Optional<SnapshotId> origin) {
        this.row = row;
        this.origin = origin;
        id = row.id();
        number = row.number();
        createdAt = Instant.ofEpochMilli(row.createdMillis());
        sizeBytes = row.sizeBytes();
        compression = row.compression();
        usedBlocks = row.usedBlocks();
    }

    /** Looks whether the log has grown since the last call; answers for how many calls it has not. Accountant only. */
    int looksAtRest() {
        long appends = counters.logAppends.get();
        looksAtRest = appends == appendsSeen ? looksAtRest + 1 : 0;
        appendsSeen = appends;
        return looksAtRest;
    }

    VolumeRecord record() {
        OpenVolume volume = open;
        VolumeStatus now = volume == null ? status : volume.status();
        return new VolumeRecord(id, sizeBytes, origin, number, createdAt, compression, now);
    }

    /** Blocks with data that the volume reads now. Any thread. */
    long usedBlocks() {
        OpenVolume volume = open;
        return volume == null ? usedBlocks : volume.usedBlocks();
    }

    /**
     * Holds the volume open if somebody does already: only then is it sure to stay open. Any thread.
     *
     * @return the volume, to be {@linkplain OpenVolume#release released}; null if nobody holds it
     */
    @Nullable
    OpenVolume holdIfHeld() {
        int before = holders.getAndUpdate(held -> held == 0 ? 0 : held + 1);
        return before == 0 ? null : open;
    }

    VolumeKey key() {
        return new VolumeKey(number, id.toString());
    }

    /** The scrub has found damage that this volume reads. Accountant only. */
    void scrubFound(String what) {
        OpenVolume volume = open;
        if (volume != null) {
            volume.onLoop(opened -> opened.scrubFound(what));
        } else if (status.health() == VolumeStatus.Health.OK) {
            status = new VolumeStatus(VolumeStatus.Health.DAMAGED, what);
        }
    }

    /** The scrub finds no damage any more in what this volume reads. Accountant only. */
    void scrubHealed() {
        OpenVolume volume = open;
        if (volume != null) {
            volume.onLoop(OpenVolume::scrubHealed);
        } else if (status.health() == VolumeStatus.Health.DAMAGED) {
            status = VolumeStatus.OK;
        }
    }
}
