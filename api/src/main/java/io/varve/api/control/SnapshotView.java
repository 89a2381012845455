package io.varve.api.control;

import io.varve.engine.SnapshotRecord;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeUsage;
import java.time.Instant;
import java.util.Optional;

/**
 * A snapshot as it is told to people: the engine's truth and what was said about it.
 *
 * @param at when this was looked at: the state of a lock depends on it
 */
public record SnapshotView(SnapshotRecord record, SnapshotEntry entry, VolumeUsage usage, Instant at) {
    private static final int ALL = 100;

    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(entry, record.sizeBytes());
    }

    /** The state in EC2's words. */
    public String state() {
        return entry.state();
    }

    /** What it, or what it is a copy of, was taken of; may be deleted since. */
    public VolumeId volumeId() {
        return entry.copy().map(SnapshotEntry.Copy::volume).orElse(record.volumeId());
    }

    /** When it was begun. */
    public Instant startTime() {
        return entry.upload().map(SnapshotEntry.Upload::startedAt).orElse(record.createdAt());
    }

    /** False while a client sends it block by block, and if that failed. */
    public boolean isFinished() {
        return entry.unfinished().isEmpty();
    }

    /** How much of it is there. */
    public int progressPercent() {
        return entry.unfinished().map(SnapshotEntry.Upload::progressPercent).orElse(ALL);
    }

    /** Why it is in the state {@code error}. */
    public Optional<String> failure() {
        return entry.unfinished().flatMap(SnapshotEntry.Upload::failure);
    }

    /** When the policy that took it was due; empty if it did not, or the snapshot was in the recycle bin since. */
    Optional<Instant> dueBy(LifecyclePolicy policy) {
        return entry.clientToken().flatMap(token -> policy.dueTime(token.token()));
    }

    /** True while nobody may delete it. */
    boolean isLocked() {
        return entry.lock().filter(lock -> lock.holds(at)).isPresent();
    }

    /** The state of its lock in EC2's words; empty if it has none. */
    public Optional<String> lockState() {
        return entry.lock().map(lock -> lock.state(at));
    }
}
