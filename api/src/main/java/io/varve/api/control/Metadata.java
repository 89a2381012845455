package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.util.Optional;

/**
 * The durable memory of the control plane. When a method returns, its change is on stable storage. Methods block; they
 * fail with {@link io.varve.engine.StoreException}. Thread-safe.
 */
public interface Metadata extends AutoCloseable {
    /** The length of a secret: as long as the digests that are made with it. */
    int SECRET_BYTES = 32;

    Entries<VolumeEntry> volumes();

    Entries<SnapshotEntry> snapshots();

    Entries<RetentionRule> retentionRules();

    Entries<LifecyclePolicy> lifecyclePolicies();

    Entries<ImportEntry> imports();

    Entries<DiskImageExport> exports();

    Entries<ImageEntry> images();

    /** What volumes had saved for bursts. */
    Entries<BurstCredit> burstCredits();

    Entries<InstanceEntry> instances();

    /** Who may call. */
    Entries<CredentialEntry> credentials();

    /** The volume that clients get who name no export. */
    Optional<VolumeId> defaultVolume();

    void setDefaultVolume(VolumeId id);

    /** {@link #SECRET_BYTES} random bytes under a name, the same for the life of the store. */
    byte[] secret(String name);

    @Override
    void close();
}
