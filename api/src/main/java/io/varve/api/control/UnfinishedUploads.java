package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.VolumeUsage;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * {@link Uploads} that the store has no snapshot of yet, as if it had: so they are shown like the others. Thread-safe.
 */
final class UnfinishedUploads {
    private static final int ID_BITS = 20;
    private static final long BEHIND_ALL = 1L << 62;

    private final BlockStore store;
    private final Ledger<SnapshotId, SnapshotEntry> entries;

    UnfinishedUploads(ControlParts parts) {
        store = parts.store();
        entries = parts.snapshots();
    }

    /** Oldest first. */
    List<SnapshotRecord> all() {
        return entries.all().stream()
                .flatMap(entry -> record(entry).stream())
                .sorted(Comparator.comparing(SnapshotRecord::sequence))
                .toList();
    }

    Optional<SnapshotRecord> find(SnapshotId id) {
        return entries.find(id).flatMap(this::record);
    }

    private Optional<SnapshotRecord> record(SnapshotEntry entry) {
        if (entry.unfinished().isEmpty() || store.snapshot(entry.id()).isPresent()) {
            return Optional.empty();
        }
        return entry.unfinished()
                .map(upload -> new SnapshotRecord(
                        entry.id(),
                        upload.volume(),
                        upload.sizeBytes(),
                        place(entry.id(), upload),
                        upload.startedAt()));
    }

    /** Behind all that the store has, by the time of their start, no two in one place. */
    private static long place(SnapshotId id, SnapshotEntry.Upload upload) {
        return BEHIND_ALL | upload.startedAt().toEpochMilli() << ID_BITS | id.low() & (1 << ID_BITS) - 1;
    }

    /** Space of one of them. */
    VolumeUsage usage(SnapshotEntry entry) {
        SnapshotEntry.Upload upload = entry.upload().orElseThrow();
        return store.volume(upload.volume()).isPresent()
                ? store.usage(upload.volume())
                : new VolumeUsage(upload.sizeBytes(), 0, OptionalLong.empty());
    }
}
