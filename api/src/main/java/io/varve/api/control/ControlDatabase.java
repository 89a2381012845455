package io.varve.api.control;

import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * {@link Metadata} in one SQLite file of the data directory, {@code control.db}. The caller holds the lock of the data
 * directory.
 */
public final class ControlDatabase implements Metadata {
    /** The file's name in the data directory. */
    public static final String FILE_NAME = "control.db";

    private static final String DEFAULT_VOLUME = "defaultVolume";
    private static final String SECRET = "secret:";

    private final SqlFile file;
    private final Entries<VolumeEntry> volumes;
    private final Entries<SnapshotEntry> snapshots;
    private final Entries<RetentionRule> retentionRules;
    private final Entries<LifecyclePolicy> lifecyclePolicies;
    private final Entries<ImportEntry> imports;
    private final Entries<DiskImageExport> exports;
    private final Entries<ImageEntry> images;
    private final Entries<BurstCredit> burstCredits;
    private final Entries<InstanceEntry> instances;
    private final Entries<CredentialEntry> credentials;
    private final EntryTable<Setting> settings;

    private ControlDatabase(SqlFile file) {
        this.file = file;
        volumes = VolumeTable.of(file);
        snapshots = SnapshotTable.of(file);
        retentionRules = RetentionRuleTable.of(file);
        lifecyclePolicies = LifecyclePolicyTable.of(file);
        imports = ImportTable.of(file);
        exports = ExportTable.of(file);
        images = ImageTable.of(file);
        burstCredits = BurstCreditTable.of(file);
        instances = InstanceTable.of(file);
        credentials = CredentialTable.of(file);
        settings = new EntryTable<>(file, "setting", row -> new Setting(row.getString("id"), row.getString("value")))
                .column("id", Setting::id)
                .column("value", Setting::value);
    }

    /** Space held back for when the disk is full. */
    @FunctionalInterface
    public interface Reserve {
        /** Gives a piece of it to the file system; false if nothing is left. Waits for that. */
        boolean yieldPiece();
    }

    /**
     * Looks whether {@link #open} would refuse the file, and changes nothing.
     *
     * @throws StoreException NEWER_FORMAT, DAMAGED or ACCESS_DENIED
     */
    public static void check(Path dataDirectory) {
        Schema.CURRENT.refuseForeign(dataDirectory.resolve(FILE_NAME));
    }

    /**
     * Opens the database, making or migrating it where that is due.
     *
     * @param reserve what it may draw on when the disk is full
     * @throws StoreException NEWER_FORMAT, DAMAGED, ACCESS_DENIED, NO_SPACE or IO
     */
    public static ControlDatabase open(Path dataDirectory, Reserve reserve) {
        return open(dataDirectory.resolve(FILE_NAME), Schema.CURRENT, reserve);
    }

    static ControlDatabase open(Path file, Schema schema, Reserve reserve) {
        return new ControlDatabase(SqlFile.open(file, schema, reserve));
    }

    @Override
    public Entries<VolumeEntry> volumes() {
        return volumes;
    }

    @Override
    public Entries<SnapshotEntry> snapshots() {
        return snapshots;
    }

    @Override
    public Entries<RetentionRule> retentionRules() {
        return retentionRules;
    }

    @Override
    public Entries<LifecyclePolicy> lifecyclePolicies() {
        return lifecyclePolicies;
    }

    @Override
    public Entries<ImportEntry> imports() {
        return imports;
    }

    @Override
    public Entries<DiskImageExport> exports() {
        return exports;
    }

    @Override
    public Entries<ImageEntry> images() {
        return images;
    }

    @Override
    public Entries<BurstCredit> burstCredits() {
        return burstCredits;
    }

    @Override
    public Entries<InstanceEntry> instances() {
        return instances;
    }

    @Override
    public Entries<CredentialEntry> credentials() {
        return credentials;
    }

    @Override
    public Optional<VolumeId> defaultVolume() {
        return settings.all().stream()
                .filter(setting -> setting.id().equals(DEFAULT_VOLUME))
                .map(setting -> VolumeId.parse(setting.value()))
                .findFirst();
    }

    @Override
    public void setDefaultVolume(VolumeId id) {
        settings.put(List.of(new Setting(DEFAULT_VOLUME, id.toString())));
    }

    @Override
    public synchronized byte[] secret(String name) {
        String id = SECRET + name;
        return settings.all().stream()
                .filter(setting -> setting.id().equals(id))
                .map(setting -> HexFormat.of().parseHex(setting.value()))
                .findFirst()
                .orElseGet(() -> {
                    byte[] secret = new byte[SECRET_BYTES];
                    new SecureRandom().nextBytes(secret);
                    settings.put(List.of(new Setting(id, HexFormat.of().formatHex(secret))));
                    return secret;
                });
    }

    @Override
    public void close() {
        file.close();
    }

    private record Setting(String id, String value) {}
}
