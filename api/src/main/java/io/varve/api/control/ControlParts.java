package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.ProvisioningException;
import io.varve.engine.QosLimits;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeTypes;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * What the parts of the control plane have in common.
 *
 * @param random draws ids
 * @param clock the wall clock, by which things come due
 * @param types what volumes there may be
 * @param attached where volumes are attached; {@link Instances} keeps it
 */
record ControlParts(
        BlockStore store,
        Sequencer sequencer,
        Events events,
        RandomGenerator random,
        InstantSource clock,
        VolumeTypes types,
        Ledger<VolumeId, VolumeEntry> volumes,
        Ledger<SnapshotId, SnapshotEntry> snapshots,
        Ledger<RuleId, RetentionRule> rules,
        Ledger<PolicyId, LifecyclePolicy> policies,
        Ledger<ImportId, ImportEntry> imports,
        Ledger<ExportId, DiskImageExport> exports,
        Ledger<ImageId, ImageEntry> images,
        Ledger<InstanceId, InstanceEntry> instances,
        AttachedVolumes attached) {
    private static final int GIB_SHIFT = 30;

    /** Reads what is known. */
    static ControlParts of(
            BlockStore store, Metadata metadata, RandomGenerator random, InstantSource clock, VolumeTypes types) {
        Events events = new Events(clock);
        return new ControlParts(
                store,
                new Sequencer(),
                events,
                random,
                clock,
                types,
                new Ledger<>(metadata.volumes(), "volume", events),
                new Ledger<>(metadata.snapshots(), "snapshot", events),
                new Ledger<>(metadata.retentionRules(), "retention-rule", events),
                new Ledger<>(metadata.lifecyclePolicies(), "lifecycle-policy", events),
                new Ledger<>(metadata.imports(), "import", events),
                new Ledger<>(metadata.exports(), "export", events),
                new Ledger<>(metadata.images(), "image", events),
                new Ledger<>(metadata.instances(), "instance", events),
                new AttachedVolumes());
    }

    /** What a volume is to be held to; its size is part of that for many types. */
    QosLimits limits(VolumeEntry volume) {
        return store.volume(volume.id())
                .map(record -> volume.limits().qos(types, record.sizeBytes() >> GIB_SHIFT))
                .orElse(QosLimits.UNLIMITED);
    }

    /** Has the engine hold a volume to its limits. */
    void limit(VolumeEntry volume) {
        if (store.volume(volume.id()).isPresent()) {
            store.limit(volume.id(), limits(volume));
            store.share(volume.id(), volume.share());
        }
    }

    /** What a volume of that size is given. Fails as EC2 does if the type does not offer that. */
    VolumeLimits provisioned(VolumeLimits wanted, long sizeBytes) {
        try {
            return wanted.provisioned(types, sizeBytes >> GIB_SHIFT);
        } catch (ProvisioningException e) {
            throw RequestException.of(e);
        }
    }

    /** Where a volume is attached. */
    List<VolumeAttachment> attachments(VolumeId id) {
        return attached.instances(id).stream()
                .flatMap(instance -> instances.find(instance).stream())
                .flatMap(instance -> instance.attachment(id).stream()
                        .map(attachment -> new VolumeAttachment(instance.id(), attachment)))
                .toList();
    }

    /** Fails with VOLUME_NOT_FOUND unless the volume is there for everybody. */
    void requireVolume(VolumeId id) {
        if (store.volume(id).isEmpty()
                || volumes.find(id).filter(entry -> entry.phase().isShown()).isEmpty()) {
            throw Volumes.notFound(id);
        }
    }

    /** An image that uses the snapshot, if there is one. */
    Optional<ImageEntry> imageOf(SnapshotId id) {
        return images.all().stream().filter(image -> image.uses(id)).findAny();
    }

    /** An export under way that reads the snapshot, if there is one. */
    Optional<DiskImageExport> exportOf(SnapshotId id) {
        return exports.all().stream()
                .filter(export -> !export.ended() && export.snapshot().equals(id))
                .findAny();
    }

    /** Fails with SNAPSHOT_NOT_FOUND unless the snapshot is there for everybody, INCORRECT_STATE while it is being uploaded. */
    void requireSnapshot(SnapshotId id) {
        snapshots.find(id).filter(entry -> entry.unfinished().isPresent()).ifPresent(entry -> {
            throw Snapshots.unfinished(entry);
        });
        if (store.snapshot(id).isEmpty()
                || snapshots.find(id).filter(entry -> entry.phase().isShown()).isEmpty()) {
            throw Snapshots.notFound(id);
        }
    }
}
