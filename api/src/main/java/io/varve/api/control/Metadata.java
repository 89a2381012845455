package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.List;
import java.util.Optional;

/**
 * The durable memory of the control plane. When a method returns, its change is on stable storage; a change is done
 * whole or not at all. Methods block; they fail with {@link io.varve.engine.StoreException}. Thread-safe.
 */
public interface Metadata extends AutoCloseable {
    List<VolumeEntry> volumes();

    List<SnapshotEntry> snapshots();

    /** Adds or replaces an entry. */
    void put(VolumeEntry entry);

    /** Adds or replaces an entry. */
    void put(SnapshotEntry entry);

    /** Removes an entry if it is there. */
    void remove(VolumeId id);

    /** Removes an entry if it is there. */
    void remove(SnapshotId id);

    /** The volume that clients get who name no export. */
    Optional<VolumeId> defaultVolume();

    void setDefaultVolume(VolumeId id);

    @Override
    void close();
}
