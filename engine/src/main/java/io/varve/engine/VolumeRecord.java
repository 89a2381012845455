package io.varve.engine;

import java.time.Instant;
import java.util.Optional;

/**
 * What the store's catalogue says of a volume.
 *
 * @param id the volume
 * @param sizeBytes its size, a multiple of {@link BlockStore#BLOCK_BYTES}
 * @param origin the snapshot it was cloned from, if any
 * @param sequence the store-wide order of volumes: a later volume has a larger one
 * @param createdAt when it was created; for people, never used for ordering
 * @param compression what of its blocks is stored compressed
 * @param status whether it takes reads and writes
 */
public record VolumeRecord(
        VolumeId id,
        long sizeBytes,
        Optional<SnapshotId> origin,
        long sequence,
        Instant createdAt,
        Compression compression,
        VolumeStatus status) {}
