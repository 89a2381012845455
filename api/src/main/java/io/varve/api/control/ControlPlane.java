package io.varve.api.control;

import io.varve.api.diskimage.DiskImages;
import io.varve.api.portable.SnapshotExport;
import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.QosLimits;
import io.varve.engine.ScrubStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreUsage;
import io.varve.engine.VolumeId;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Volumes and snapshots of one store, with what people say about them. Blocking work runs on threads of its own, never
 * on a caller's or a data loop. Thread-safe. The store and the metadata stay their opener's to close, after this.
 */
public final class ControlPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlPlane.class);
    private static final int DEFAULT_SIZE_GIB = 10;
    private static final String DEFAULT_NAME = "default";

    private final BlockStore store;
    private final Metadata metadata;
    private final ControlParts parts;
    private final RetentionRules retentionRules;
    private final Volumes volumes;
    private final DirectBlocks directBlocks = new DirectBlocks();
    private final Uploads uploads;
    private final SnapshotBlocks snapshotBlocks;
    private final Snapshots snapshots;
    private final LifecyclePolicies lifecyclePolicies;
    private final DiskImageJobs diskImageJobs;
    private final Imports imports;
    private final DiskImageExports diskImageExports;
    private final Images images;
    private final ImageLaunches imageLaunches;
    private final BurstCredits burstCredits;
    private final Instances instances;
    private final InstanceImages instanceImages;
    private final InstanceLaunches instanceLaunches;
    private final ImageCopies imageCopies;
    private final QosLimits storeLimits;
    private volatile Optional<VolumeId> defaultVolume;

    private ControlPlane(
            BlockStore store,
            Metadata metadata,
            RandomGenerator random,
            InstantSource clock,
            ControlSettings settings,
            Optional<DiskImages> diskImages) {
        this.store = store;
        this.metadata = metadata;
        parts = ControlParts.of(store, metadata, random, clock, settings.volumeTypes());
        retentionRules = new RetentionRules(parts);
        VolumeShares shares = new VolumeShares(parts, settings.storeLimits());
        VolumeCreation volumeCreation = new VolumeCreation(parts, shares);
        volumes = new Volumes(
                parts,
                retentionRules,
                volumeCreation,
                new VolumeModifications(parts, settings.modificationsPerDay()),
                shares);
        uploads = new Uploads(parts, directBlocks);
        snapshotBlocks = new SnapshotBlocks(parts, directBlocks);
        SnapshotCreation snapshotCreation = new SnapshotCreation(parts);
        snapshots = new Snapshots(parts, retentionRules, snapshotCreation, uploads, snapshotBlocks);
        lifecyclePolicies = new LifecyclePolicies(parts, volumes, snapshots);
        diskImageJobs = new DiskImageJobs(diskImages);
        imports = new Imports(parts, diskImageJobs);
        diskImageExports = new DiskImageExports(parts, diskImageJobs);
        images = new Images(parts, snapshots, snapshotCreation, retentionRules);
        imageLaunches = new ImageLaunches(parts, images, volumes, volumeCreation);
        burstCredits = new BurstCredits(parts, metadata.burstCredits());
        instances = new Instances(parts, volumes);
        instanceImages = new InstanceImages(parts, instances, volumes, snapshotCreation, images);
        instanceLaunches = new InstanceLaunches(parts, instances, volumeCreation, images);
        imageCopies = new ImageCopies(parts, snapshotCreation, images);
        storeLimits = settings.storeLimits();
        defaultVolume = metadata.defaultVolume();
    }

    /** With EBS's settings. */
    public static ControlPlane start(BlockStore store, Metadata metadata, RandomGenerator random, InstantSource clock) {
        return start(store, metadata, random, clock, ControlSettings.DEFAULT, Optional.empty());
    }

    /** Without disk images. */
    public static ControlPlane start(
            BlockStore store,
            Metadata metadata,
            RandomGenerator random,
            InstantSource clock,
            ControlSettings settings) {
        return start(store, metadata, random, clock, settings, Optional.empty());
    }

    /**
     * Finishes what an earlier life left half-done and begins. Blocks.
     *
     * @param random draws ids; a {@link java.security.SecureRandom} outside tests
     * @param clock the wall clock, by which things come due
     * @param diskImages what can be brought in and written; empty if there is no directory for them
     */
    public static ControlPlane start(
            BlockStore store,
            Metadata metadata,
            RandomGenerator random,
            InstantSource clock,
            ControlSettings settings,
            Optional<DiskImages> diskImages) {
        new Recovery(store, metadata, clock.instant()).run();
        ControlPlane control = new ControlPlane(store, metadata, random, clock, settings, diskImages);
        control.images.finish();
        control.diskImageExports.resume();
        control.imports.resume();
        return control;
    }

    /** Gives an empty store its first volume, which is the default export. Blocks. */
    public void createDefaultVolume() {
        if (store.volumes().isEmpty() && store.snapshots().isEmpty()) {
            makeDefault(newDefaultVolume());
        } else if (defaultVolume.isEmpty()) {
            // An earlier life made it, but did not come to write down that it is the default.
            volumes.list().stream()
                    .filter(volume -> volume.entry()
                            .label()
                            .name()
                            .filter(DEFAULT_NAME::equals)
                            .isPresent())
                    .findFirst()
                    .ifPresent(volume -> makeDefault(volume.record().id()));
        }
    }

    private void makeDefault(VolumeId id) {
        metadata.setDefaultVolume(id);
        defaultVolume = Optional.of(id);
    }

    private VolumeId newDefaultVolume() {
        VolumeRequest request = new VolumeRequest(
                Optional.of(DEFAULT_SIZE_GIB),
                Optional.empty(),
                Optional.empty(),
                VolumeLimits.NONE,
                Compression.AUTO,
                new Label(Optional.of(DEFAULT_NAME), Map.of()),
                Optional.empty());
        return volumes.create(request).join().record().id();
    }

    public Volumes volumes() {
        return volumes;
    }

    /** What happens. */
    public Events events() {
        return parts.events();
    }

    /** Does what has come due by the clock. To be called about once a second, by one thread at a time. Blocks. */
    public void tick() {
        attempt("looking for use", volumes::watchUse);
        attempt("emptying the bin of volumes", volumes::expire);
        attempt("emptying the bin of images", images::expire);
        attempt("emptying the bin of snapshots", snapshots::expire);
        attempt("lifecycle policies", lifecyclePolicies::tick);
        attempt("taking back imports", imports::expire);
        attempt("giving up uploads", uploads::expire);
        attempt("closing snapshots that nobody reads", snapshotBlocks::expire);
        attempt("saving burst credits", burstCredits::tick);
        attempt("detachments and terminations", instances::tick);
    }

    /** What goes wrong with one thing keeps nothing else from being done; it stays due. */
    private static void attempt(String what, Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) { // the edge of a task
            LOG.error("{} failed; it is tried again", what, e);
        }
    }

    /** Space of the whole store. */
    public StoreUsage usage() {
        return store.usage();
    }

    /** What all volumes together are held to. */
    public QosLimits storeLimits() {
        return storeLimits;
    }

    /** How many volumes wait because of that. */
    public int waitingVolumes() {
        return store.waitingVolumes();
    }

    /** How far the scrub is and what it has found. */
    public ScrubStatus scrub() {
        return store.scrub();
    }

    public RetentionRules retentionRules() {
        return retentionRules;
    }

    public LifecyclePolicies lifecyclePolicies() {
        return lifecyclePolicies;
    }

    /** Snapshots that are sent block by block. */
    public Uploads uploads() {
        return uploads;
    }

    /** A secret of this store by its name, the same for its life; see {@link Metadata#secret}. Blocks. */
    public byte[] secret(String name) {
        return metadata.secret(name);
    }

    /** Snapshots that are read block by block. */
    public SnapshotBlocks snapshotBlocks() {
        return snapshotBlocks;
    }

    public Imports imports() {
        return imports;
    }

    /** Snapshots that are written to disk images. */
    public DiskImageExports diskImageExports() {
        return diskImageExports;
    }

    public Images images() {
        return images;
    }

    public ImageLaunches imageLaunches() {
        return imageLaunches;
    }

    public Instances instances() {
        return instances;
    }

    /** The tags of volumes, snapshots, images and instances. */
    public Tags tags() {
        return new Tags(parts);
    }

    public InstanceLaunches instanceLaunches() {
        return instanceLaunches;
    }

    public ImageCopies imageCopies() {
        return imageCopies;
    }

    public InstanceImages instanceImages() {
        return instanceImages;
    }

    /** The portable file of a snapshot, since another one if that is given. Fails with SNAPSHOT_NOT_FOUND. */
    public SnapshotExport export(SnapshotId id, Optional<SnapshotId> since) {
        SnapshotView snapshot = snapshots.completed(id);
        since.ifPresent(parts::requireSnapshot);
        return new SnapshotExport(store, snapshot.record(), since);
    }

    public Snapshots snapshots() {
        return snapshots;
    }

    /** The volume that clients get who name no export; it may be deleted by now. */
    public Optional<VolumeId> defaultVolume() {
        return defaultVolume;
    }

    /** Waits for the operations that have begun and takes no more. Blocks. */
    @Override
    public void close() {
        diskImageJobs.close();
        directBlocks.close();
        parts.sequencer().close();
        uploads.close();
        snapshotBlocks.close();
        attempt("saving burst credits", burstCredits::save);
    }
}
