package io.varve.engine;

import java.time.Instant;

/**
 * What the store's catalogue says of a snapshot.
 *
 * @param id the snapshot
 * @param volumeId the volume it was taken of, which may be deleted since
 * @param sizeBytes the volume's size at that instant
 * @param sequence the store-wide order of snapshots: a later snapshot has a larger one
 * @param createdAt when it was taken; for people, never used for ordering
 */
public record SnapshotRecord(SnapshotId id, VolumeId volumeId, long sizeBytes, long sequence, Instant createdAt) {}
