package io.varve.api.control;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How entries stand in the tables of {@link Schema}, kind by kind. */
final class EntryTables {
    private EntryTables() {}

    static Entries<VolumeEntry> volumes(SqlFile file) {
        return described(file, "volume", EntryTables::volume)
                .column("volume_type", entry -> entry.limits().volumeType())
                .column("iops", entry -> entry.limits().iops())
                .column("throughput_mibps", entry -> entry.limits().throughputMiBps())
                .column("minimum_iops", entry -> entry.share().minimumIops())
                .column("weight", entry -> entry.share().weight())
                .column("multi_attach", entry -> entry.multiAttach() ? 1 : 0)
                .column("growing_to_bytes", VolumeEntry::growingToBytes)
                .column("phase", VolumeEntry::phase)
                .column("copy", entry -> entry.copy().map(EntryTables::json).orElse(null))
                .column("recycled", entry -> recycled(entry.recycled()))
                .column("modifications", entry -> VolumeModificationColumn.text(entry.modifications()));
    }

    static Entries<CredentialEntry> credentials(SqlFile file) {
        SqlFile.RowReader<CredentialEntry> reader = row -> new CredentialEntry(
                row.getString("id"),
                row.getString("kind"),
                Optional.ofNullable(row.getString("name")),
                row.getString("role"),
                row.getString("secret"),
                Instant.ofEpochMilli(row.getLong("created_at")));
        return new EntryTable<>(file, "credential", reader)
                .column("id", CredentialEntry::id)
                .column("kind", CredentialEntry::kind)
                .column("name", entry -> entry.name().orElse(null))
                .column("role", CredentialEntry::role)
                .column("secret", CredentialEntry::secret)
                .column("created_at", entry -> entry.createdAt().toEpochMilli());
    }

    static Entries<BurstCredit> burstCredits(SqlFile file) {
        SqlFile.RowReader<BurstCredit> reader = row -> new BurstCredit(
                VolumeId.parse(row.getString("id")),
                row.getString("volume_type"),
                row.getLong("credits"),
                Instant.ofEpochMilli(row.getLong("saved_at")));
        return new EntryTable<>(file, "burst_credit", reader)
                .column("id", BurstCredit::id)
                .column("volume_type", BurstCredit::volumeType)
                .column("credits", BurstCredit::credits)
                .column("saved_at", credit -> credit.savedAt().toEpochMilli());
    }

    private static VolumeEntry volume(ResultSet row) throws SQLException {
        VolumeLimits limits =
                new VolumeLimits(row.getString("volume_type"), row.getInt("iops"), row.getInt("throughput_mibps"));
        return new VolumeEntry(
                VolumeId.parse(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                label(row),
                limits,
                new QosShare(row.getLong("minimum_iops"), row.getInt("weight")),
                row.getInt("multi_attach") != 0,
                row.getLong("growing_to_bytes"),
                token(row),
                json(row, "copy")
                        .map(copy -> new VolumeEntry.Copy(
                                VolumeId.parse(copy.getString("of")), SnapshotId.parse(copy.getString("by")))),
                recycled(row),
                VolumeModificationColumn.read(row.getString("modifications")));
    }

    private static String json(VolumeEntry.Copy copy) {
        return new JsonObject()
                .put("of", copy.of().toString())
                .put("by", copy.by().toString())
                .encode();
    }

    static Entries<SnapshotEntry> snapshots(SqlFile file) {
        return described(file, "snapshot", EntryTables::snapshot)
                .column("description", SnapshotEntry::description)
                .column("phase", SnapshotEntry::phase)
                .column("copy", entry -> entry.copy().map(EntryTables::json).orElse(null))
                .column("upload", entry -> entry.upload().map(EntryTables::json).orElse(null))
                .column("lock", entry -> entry.lock().map(EntryTables::json).orElse(null))
                .column("recycled", entry -> recycled(entry.recycled()));
    }

    private static SnapshotEntry snapshot(ResultSet row) throws SQLException {
        return new SnapshotEntry(
                SnapshotId.parse(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                label(row),
                row.getString("description"),
                token(row),
                json(row, "copy")
                        .map(copy -> new SnapshotEntry.Copy(
                                SnapshotId.parse(copy.getString("of")),
                                VolumeId.parse(copy.getString("volume")),
                                VolumeId.parse(copy.getString("by")))),
                json(row, "upload").map(EntryTables::upload),
                json(row, "lock").map(EntryTables::lock),
                recycled(row));
    }

    private static String json(SnapshotEntry.Upload upload) {
        return new JsonObject()
                .put("volume", upload.volume().toString())
                .put("parent", upload.parent().map(SnapshotId::toString).orElse(null))
                .put("sizeBytes", upload.sizeBytes())
                .put("timeoutMinutes", upload.timeoutMinutes())
                .put("startedAt", upload.startedAt())
                .put("progressPercent", upload.progressPercent())
                .put("failure", upload.failure().orElse(null))
                .encode();
    }

    private static SnapshotEntry.Upload upload(JsonObject json) {
        return new SnapshotEntry.Upload(
                VolumeId.parse(json.getString("volume")),
                Optional.ofNullable(json.getString("parent")).map(SnapshotId::parse),
                json.getLong("sizeBytes"),
                json.getInteger("timeoutMinutes"),
                json.getInstant("startedAt"),
                json.getInteger("progressPercent"),
                Optional.ofNullable(json.getString("failure")));
    }

    private static String json(SnapshotEntry.Copy copy) {
        return new JsonObject()
                .put("of", copy.of().toString())
                .put("volume", copy.volume().toString())
                .put("by", copy.by().toString())
                .encode();
    }

    private static String json(SnapshotLock lock) {
        return new JsonObject()
                .put("mode", lock.mode())
                .put("createdAt", lock.createdAt())
                .put("startedAt", lock.startedAt())
                .put("coolOffHours", lock.coolOffHours())
                .put("expiresAt", lock.expiresAt())
                .encode();
    }

    private static SnapshotLock lock(JsonObject json) {
        return new SnapshotLock(
                SnapshotLock.Mode.valueOf(json.getString("mode")),
                json.getInstant("createdAt"),
                json.getInstant("startedAt", json.getInstant("createdAt")), // rows of earlier versions have none
                json.getInteger("coolOffHours"),
                json.getInstant("expiresAt"));
    }

    static Entries<RetentionRule> retentionRules(SqlFile file) {
        return described(file, "retention_rule", EntryTables::retentionRule)
                .column("description", RetentionRule::description)
                .column("resource", RetentionRule::resource)
                .column("resource_tags", rule -> tags(rule.resourceTags()))
                .column("retention_days", RetentionRule::retentionDays)
                .column("unlock_delay_days", rule -> rule.lock().unlockDelayDays())
                .column(
                        "unlocked_at",
                        rule -> rule.lock()
                                .unlockedAt()
                                .map(Instant::toEpochMilli)
                                .orElse(null));
    }

    private static RetentionRule retentionRule(ResultSet row) throws SQLException {
        long unlockedAt = row.getLong("unlocked_at");
        Optional<Instant> unlocked = row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(unlockedAt));
        return new RetentionRule(
                new RuleId(row.getString("id")),
                label(row),
                row.getString("description"),
                RetentionRule.Resource.valueOf(row.getString("resource")),
                tags(row.getString("resource_tags")),
                row.getInt("retention_days"),
                new RetentionRule.Lock(row.getInt("unlock_delay_days"), unlocked),
                token(row));
    }

    static Entries<LifecyclePolicy> lifecyclePolicies(SqlFile file) {
        return described(file, "lifecycle_policy", EntryTables::lifecyclePolicy)
                .column("description", LifecyclePolicy::description)
                .column("enabled", policy -> policy.enabled() ? 1 : 0)
                .column("target_tags", policy -> tags(policy.targetTags()))
                .column("every_minutes", policy -> policy.schedule().everyMinutes())
                .column("times", policy -> texts(policy.schedule().times()).encode())
                .column("keep_count", policy -> policy.keep().count())
                .column("keep_days", policy -> policy.keep().days())
                .column("snapshot_tags", policy -> tags(policy.snapshotTags()))
                .column("copy_tags", policy -> policy.copyTags() ? 1 : 0)
                .column("done_up_to", policy -> policy.doneUpTo().toEpochMilli())
                .column(
                        "last_run",
                        policy -> policy.lastRun().map(EntryTables::json).orElse(null));
    }

    private static LifecyclePolicy lifecyclePolicy(ResultSet row) throws SQLException {
        return new LifecyclePolicy(
                new PolicyId(row.getString("id")),
                label(row),
                row.getString("description"),
                row.getInt("enabled") != 0,
                tags(row.getString("target_tags")),
                new Schedule(
                        row.getInt("every_minutes"), texts(new JsonArray(row.getString("times")), LocalTime::parse)),
                new LifecyclePolicy.Keep(row.getInt("keep_count"), row.getInt("keep_days")),
                tags(row.getString("snapshot_tags")),
                row.getInt("copy_tags") != 0,
                Instant.ofEpochMilli(row.getLong("done_up_to")),
                json(row, "last_run")
                        .map(run -> new LifecyclePolicy.Run(
                                run.getInstant("due"),
                                run.getInstant("at"),
                                texts(run.getJsonArray("errors"), error -> error))),
                token(row));
    }

    private static String json(LifecyclePolicy.Run run) {
        return new JsonObject()
                .put("due", run.due())
                .put("at", run.at())
                .put("errors", texts(run.errors()))
                .encode();
    }

    private static JsonArray texts(List<?> values) {
        return new JsonArray(values.stream().map(String::valueOf).toList());
    }

    private static <T> List<T> texts(JsonArray json, Function<String, T> parse) {
        return json.stream().map(String::valueOf).map(parse).toList();
    }

    static Entries<ImportEntry> imports(SqlFile file) {
        return described(file, "import", EntryTables::importEntry)
                .column("description", ImportEntry::description)
                .column("volume", ImportEntry::volume)
                .column("snapshot", ImportEntry::snapshot)
                .column("source", entry -> entry.source().orElse(null))
                .column("received_bytes", entry -> entry.progress().receivedBytes())
                .column("next_offset", entry -> entry.progress().nextOffset())
                .column("digest", entry -> entry.progress().digest())
                .column("size_bytes", entry -> entry.progress().sizeBytes())
                .column("touched_at", entry -> entry.touchedAt().toEpochMilli())
                .column("image", entry -> entry.image().map(EntryTables::json).orElse(null))
                .column("completed", entry -> entry.completed() ? 1 : 0);
    }

    private static ImportEntry importEntry(ResultSet row) throws SQLException {
        return new ImportEntry(
                new ImportId(row.getString("id")),
                label(row),
                row.getString("description"),
                VolumeId.parse(row.getString("volume")),
                SnapshotId.parse(row.getString("snapshot")),
                Optional.ofNullable(row.getString("source")).map(SnapshotId::parse),
                new ImportEntry.Progress(
                        row.getLong("received_bytes"),
                        row.getLong("next_offset"),
                        row.getString("digest"),
                        row.getLong("size_bytes")),
                Instant.ofEpochMilli(row.getLong("touched_at")),
                Optional.ofNullable(row.getString("image")).map(EntryTables::diskImage),
                row.getInt("completed") != 0,
                token(row));
    }

    private static String json(ImportEntry.Image image) {
        JsonObject json = new JsonObject()
                .put("file", image.file())
                .put("format", image.format().text());
        image.failure().ifPresent(failure -> json.put("failure", failure));
        return json.encode();
    }

    private static ImportEntry.Image diskImage(String text) {
        JsonObject json = new JsonObject(text);
        return new ImportEntry.Image(
                json.getString("file"),
                DiskImageFormat.parse(json.getString("format")),
                Optional.ofNullable(json.getString("failure")));
    }

    static Entries<ImageEntry> images(SqlFile file) {
        return described(file, "image", EntryTables::image)
                .column("phase", ImageEntry::phase)
                .column("description", ImageEntry::description)
                .column("root_device_name", ImageEntry::rootDeviceName)
                .column(
                        "mappings",
                        image -> new JsonArray(image.mappings().stream()
                                        .map(EntryTables::json)
                                        .toList())
                                .encode())
                .column("created_at", image -> image.createdAt().toEpochMilli())
                .column(
                        "deprecated_at",
                        image -> image.deprecatedAt().map(Instant::toEpochMilli).orElse(null))
                .column("deregistration_protected", image -> image.deregistrationProtected() ? 1 : 0)
                .column("disabled", image -> image.disabled() ? 1 : 0)
                .column("recycled", image -> recycled(image.recycled()));
    }

    private static ImageEntry image(ResultSet row) throws SQLException {
        long deprecatedAt = row.getLong("deprecated_at");
        Optional<Instant> deprecated =
                row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochMilli(deprecatedAt));
        return new ImageEntry(
                new ImageId(row.getString("id")),
                Phase.valueOf(row.getString("phase")),
                label(row),
                row.getString("description"),
                row.getString("root_device_name"),
                new JsonArray(row.getString("mappings"))
                        .stream()
                                .map(JsonObject.class::cast)
                                .map(EntryTables::mapping)
                                .toList(),
                Instant.ofEpochMilli(row.getLong("created_at")),
                deprecated,
                row.getInt("deregistration_protected") != 0,
                row.getInt("disabled") != 0,
                token(row),
                recycled(row));
    }

    private static JsonObject json(BlockDeviceMapping mapping) {
        return new JsonObject()
                .put("deviceName", mapping.deviceName())
                .put("snapshot", mapping.snapshot().toString())
                .put("sizeGiB", mapping.sizeGiB())
                .put("volumeType", mapping.limits().volumeType())
                .put("iops", mapping.limits().iops())
                .put("throughputMiBps", mapping.limits().throughputMiBps())
                .put("deleteOnTermination", mapping.deleteOnTermination());
    }

    private static BlockDeviceMapping mapping(JsonObject json) {
        return new BlockDeviceMapping(
                json.getString("deviceName"),
                SnapshotId.parse(json.getString("snapshot")),
                json.getInteger("sizeGiB"),
                new VolumeLimits(
                        json.getString("volumeType"), json.getInteger("iops"), json.getInteger("throughputMiBps")),
                json.getBoolean("deleteOnTermination"));
    }

    static Entries<InstanceEntry> instances(SqlFile file) {
        return described(file, "instance", EntryTables::instance)
                .column("life", InstanceEntry::life)
                .column(
                        "attachments",
                        instance -> new JsonArray(instance.attachments().stream()
                                        .map(EntryTables::json)
                                        .toList())
                                .encode())
                .column("changed_at", instance -> instance.changedAt().toEpochMilli())
                .column(
                        "launch",
                        instance -> instance.launch().map(EntryTables::json).orElse(null));
    }

    private static String json(InstanceEntry.Launch launch) {
        return new JsonObject().put("image", launch.image().text()).encode();
    }

    private static InstanceEntry instance(ResultSet row) throws SQLException {
        return new InstanceEntry(
                new InstanceId(row.getString("id")),
                label(row),
                InstanceState.valueOf(row.getString("life")),
                new JsonArray(row.getString("attachments"))
                        .stream()
                                .map(JsonObject.class::cast)
                                .map(EntryTables::attachment)
                                .toList(),
                Instant.ofEpochMilli(row.getLong("changed_at")),
                json(row, "launch").map(json -> new InstanceEntry.Launch(new ImageId(json.getString("image")))),
                token(row));
    }

    private static JsonObject json(Attachment attachment) {
        return new JsonObject()
                .put("volume", attachment.volume().toString())
                .put("deviceName", attachment.deviceName())
                .put("deleteOnTermination", attachment.deleteOnTermination())
                .put("detaching", attachment.detaching())
                .put("attachedAt", attachment.attachedAt());
    }

    private static Attachment attachment(JsonObject json) {
        return new Attachment(
                VolumeId.parse(json.getString("volume")),
                json.getString("deviceName"),
                json.getBoolean("deleteOnTermination"),
                json.getBoolean("detaching"),
                json.getInstant("attachedAt"));
    }

    /** A table with what every kind has. */
    private static <T extends Entry<?>> EntryTable<T> described(
            SqlFile file, String table, SqlFile.RowReader<T> reader) {
        return new EntryTable<>(file, table, reader)
                .column("id", Entry::id)
                .column("name", entry -> entry.label().name().orElse(null))
                .column("tags", entry -> tags(entry.label().tags()))
                .column(
                        "client_token",
                        entry -> entry.clientToken().map(ClientToken::token).orElse(null))
                .column(
                        "parameters",
                        entry ->
                                entry.clientToken().map(ClientToken::parameters).orElse(null));
    }

    private static Label label(ResultSet row) throws SQLException {
        return new Label(Optional.ofNullable(row.getString("name")), tags(row.getString("tags")));
    }

    private static Map<String, String> tags(String json) {
        Map<String, String> tags = new TreeMap<>();
        new JsonObject(json).forEach(tag -> tags.put(tag.getKey(), String.valueOf(tag.getValue())));
        return tags;
    }

    private static String tags(Map<String, String> tags) {
        JsonObject json = new JsonObject();
        tags.forEach(json::put);
        return json.encode();
    }

    private static Optional<JsonObject> json(ResultSet row, String column) throws SQLException {
        return Optional.ofNullable(row.getString(column)).map(JsonObject::new);
    }

    private static Optional<Recycled> recycled(ResultSet row) throws SQLException {
        return json(row, "recycled")
                .map(json -> new Recycled(
                        json.getInstant("since"), json.getInstant("until"), new RuleId(json.getString("rule"))));
    }

    private static @Nullable String recycled(Optional<Recycled> recycled) {
        return recycled.map(json -> new JsonObject()
                        .put("since", json.since())
                        .put("until", json.until())
                        .put("rule", json.rule().text())
                        .encode())
                .orElse(null);
    }

    private static Optional<ClientToken> token(ResultSet row) throws SQLException {
        String parameters = row.getString("parameters");
        return Optional.ofNullable(row.getString("client_token")).map(token -> new ClientToken(token, parameters));
    }
}
