package io.varve.api.control;

import io.varve.engine.SnapshotRecord;
import io.varve.engine.VolumeUsage;

/** A snapshot as it is told to people: the engine's truth and what was said about it. */
public record SnapshotView(SnapshotRecord record, SnapshotEntry entry, VolumeUsage usage) {
    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(entry, record.sizeBytes());
    }

    /** The state in EC2's words. */
    public String state() {
        return entry.state();
    }
}
