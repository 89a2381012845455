package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.VolumeCounters;
import io.varve.engine.VolumeId;
import io.varve.engine.log.SnapshotPayload;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A snapshot of the catalogue. One that was taken since the last checkpoint stands only in its volume's log and has no
 * row yet. Changed by the accountant only; the volatile fields may be read by any thread.
 */
final class SnapshotEntry {
    final SnapshotId id;
    final long number;
    final long volumeNumber;
    final VolumeId volumeId;
    final long sizeBytes;
    final Instant createdAt;
    final VolumeCounters counters = new VolumeCounters();

    volatile @Nullable SnapshotRow row;
    volatile long usedBlocks;
    /** Blocks that nothing else reads, or {@link VolumeEntry#UNKNOWN}; see {@link Sharing}. */
    volatile long exclusiveBlocks = VolumeEntry.UNKNOWN;

    /** How many hold it open. */
    final AtomicInteger holders = new AtomicInteger();

    volatile @Nullable OpenVolume open;

    SnapshotEntry(SnapshotRow row, VolumeId volumeId) {
        this.row = row;
        this.id = row.id();
        this.number = row.number();
        this.usedBlocks = row.usedBlocks();
        this.volumeNumber = row.volume();
        this.volumeId = volumeId;
        this.sizeBytes = row.sizeBytes();
        this.createdAt = Instant.ofEpochMilli(row.createdMillis());
    }

    SnapshotEntry(SnapshotPayload payload, VolumeEntry volume) {
        this.id = new SnapshotId(payload.idHigh(), payload.idLow());
        this.number = payload.number();
        this.volumeNumber = volume.number;
        this.volumeId = volume.id;
        this.sizeBytes = payload.sizeBytes();
        this.createdAt = Instant.ofEpochMilli(payload.createdMillis());
    }

    SnapshotRecord record() {
        return new SnapshotRecord(id, volumeId, sizeBytes, number, createdAt);
    }
}
