package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.ImportEntry;
import io.varve.api.control.Label;
import io.varve.api.control.LimitsChange;
import io.varve.api.control.RequestException;
import io.varve.api.control.RetentionRule;
import io.varve.api.control.RetentionRules;
import io.varve.api.control.RuleId;
import io.varve.api.control.SnapshotChange;
import io.varve.api.control.SnapshotCopyRequest;
import io.varve.api.control.SnapshotGroupRequest;
import io.varve.api.control.SnapshotLock;
import io.varve.api.control.SnapshotRequest;
import io.varve.api.control.VolumeChange;
import io.varve.api.control.VolumeLimits;
import io.varve.api.control.VolumeRequest;
import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.Compression;
import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Requests out of JSON that the contract has let through. */
final class Requests {
    private Requests() {}

    static VolumeRequest createVolume(JsonObject json) {
        return new VolumeRequest(
                Optional.ofNullable(json.getInteger("sizeGiB")),
                Optional.ofNullable(json.getString("snapshotId")).map(id -> snapshotId("snapshotId", id)),
                Optional.ofNullable(json.getString("sourceVolumeId")).map(id -> volumeId("sourceVolumeId", id)),
                limits(json),
                changedShare(json).apply(QosShare.EVEN),
                json.getBoolean("multiAttachEnabled", false),
                compression(json).orElse(Compression.AUTO),
                label(json),
                clientToken(json));
    }

    /** True if the snapshot that is wanted is one of another snapshot, not of a volume. */
    static boolean isCopy(JsonObject json) {
        boolean copy = json.containsKey("sourceSnapshotId");
        if (copy == json.containsKey("volumeId")) {
            throw new RequestException(
                    copy ? ErrorCode.INVALID_PARAMETER_COMBINATION : ErrorCode.MISSING_PARAMETER,
                    "one of volumeId and sourceSnapshotId is needed");
        }
        return copy;
    }

    static SnapshotCopyRequest copySnapshot(JsonObject json) {
        return new SnapshotCopyRequest(
                snapshotId("sourceSnapshotId", json.getString("sourceSnapshotId")),
                label(json),
                json.getString("description", ""),
                clientToken(json));
    }

    /** The disk image that an import is of, if it is of one. */
    static Optional<ImportEntry.Image> diskImage(JsonObject json) {
        if (json.containsKey("file") != json.containsKey("format")) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION,
                    "file and format go together: a disk image in the import directory, and what it is");
        }
        return Optional.ofNullable(json.getString("file"))
                .map(file ->
                        new ImportEntry.Image(file, DiskImageFormat.parse(json.getString("format")), Optional.empty()));
    }

    static SnapshotLock.Request lockSnapshot(JsonObject json) {
        return new SnapshotLock.Request(
                SnapshotLock.Mode.valueOf(json.getString("mode").toUpperCase(Locale.ROOT)),
                json.getInteger("coolOffHours", 0),
                Optional.ofNullable(json.getInteger("durationDays")),
                Optional.ofNullable(json.getString("expirationTime")).map(text -> time("expirationTime", text)));
    }

    static RetentionRules.Request createRetentionRule(JsonObject json) {
        return new RetentionRules.Request(
                label(json),
                json.getString("description", ""),
                RetentionRule.Resource.valueOf(json.getString("resourceType").toUpperCase(Locale.ROOT)),
                tags(json.getJsonObject("resourceTags", new JsonObject())),
                json.getInteger("retentionDays"),
                json.getInteger("unlockDelayDays", 0),
                clientToken(json));
    }

    static UnaryOperator<RetentionRule> changeRetentionRule(JsonObject json) {
        return old -> new RetentionRule(
                old.id(),
                changedLabel(json).apply(old.label()),
                json.getString("description", old.description()),
                old.resource(),
                json.containsKey("resourceTags") ? tags(json.getJsonObject("resourceTags")) : old.resourceTags(),
                json.getInteger("retentionDays", old.retentionDays()),
                old.lock(),
                old.clientToken());
    }

    static Map<String, String> tags(JsonObject json) {
        Map<String, String> tags = new TreeMap<>();
        json.fieldNames().forEach(key -> tags.put(key, json.getString(key)));
        return tags;
    }

    static Instant time(String field, String text) {
        try {
            return OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "%s %s is refused: expected an RFC 3339 time such as 2030-01-31T00:00:00Z"
                            .formatted(field, Echo.json(text)));
        }
    }

    static SnapshotRequest createSnapshot(JsonObject json) {
        return new SnapshotRequest(
                volumeId("volumeId", json.getString("volumeId")),
                label(json),
                json.getString("description", ""),
                clientToken(json));
    }

    static SnapshotGroupRequest createSnapshotGroup(JsonObject json) {
        Set<VolumeId> volumes = new LinkedHashSet<>();
        for (Object id : json.getJsonArray("volumeIds")) {
            volumes.add(volumeId("volumeIds", String.valueOf(id)));
        }
        return new SnapshotGroupRequest(
                volumes,
                label(json),
                json.getBoolean("copyTags", false),
                json.getString("description", ""),
                clientToken(json));
    }

    static SnapshotChange changeSnapshot(JsonObject json) {
        return new SnapshotChange(changedLabel(json), Optional.ofNullable(json.getString("description")));
    }

    static VolumeChange changeVolume(JsonObject json) {
        Optional<Compression> compression = compression(json);
        if (compression.isPresent() && json.size() > 1) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION,
                    "compression is changed by a request of its own: leave out the other fields");
        }
        return new VolumeChange(
                Optional.ofNullable(json.getInteger("sizeGiB")),
                changedLabel(json),
                changedLimits(json),
                changedShare(json),
                Optional.ofNullable(json.getBoolean("multiAttachEnabled")),
                compression);
    }

    /** An absent field leaves a limit, null gives back what the type gives. */
    private static LimitsChange changedLimits(JsonObject json) {
        return new LimitsChange(
                Optional.ofNullable(json.getString("volumeType")),
                changed(json, "iops"),
                changed(json, "throughputMiBps"));
    }

    private static Optional<Integer> changed(JsonObject json, String field) {
        return json.containsKey(field) ? Optional.of(figure(json, field)) : Optional.empty();
    }

    /** The type and the figures of a new volume or of an image's disk. */
    static VolumeLimits limits(JsonObject json) {
        return new VolumeLimits(
                json.getString("volumeType", VolumeLimits.LOCAL),
                figure(json, "iops"),
                figure(json, "throughputMiBps"));
    }

    private static int figure(JsonObject json, String field) {
        Object value = json.getValue(field);
        return value == null ? 0 : value instanceof Number figure ? figure.intValue() : VolumeLimits.UNLIMITED;
    }

    /** What is absent stays; null gives back what everybody has. */
    private static UnaryOperator<QosShare> changedShare(JsonObject json) {
        return old -> new QosShare(
                given(json, "minimumIops", old.minimumIops(), QosShare.EVEN.minimumIops()),
                Math.toIntExact(given(json, "weight", old.weight(), QosShare.EVEN.weight())));
    }

    private static long given(JsonObject json, String field, long old, long otherwise) {
        Long value = json.getLong(field);
        return value != null ? value : json.containsKey(field) ? otherwise : old;
    }

    private static Optional<Compression> compression(JsonObject json) {
        return Optional.ofNullable(json.getString("compression"))
                .map(name -> Compression.valueOf(name.toUpperCase(Locale.ROOT)));
    }

    static Label label(JsonObject json) {
        return changedLabel(json).apply(Label.NONE);
    }

    /** An absent name stays, null removes it; tags likewise. */
    static UnaryOperator<Label> changedLabel(JsonObject json) {
        Map<String, Optional<String>> tags = new HashMap<>();
        JsonObject given = json.getJsonObject("tags", new JsonObject());
        given.fieldNames().forEach(key -> tags.put(key, Optional.ofNullable(given.getString(key))));
        return old -> {
            Label tagged = old.tagged(tags);
            return json.containsKey("name")
                    ? new Label(Optional.ofNullable(json.getString("name")), tagged.tags())
                    : tagged;
        };
    }

    static Optional<String> clientToken(JsonObject json) {
        return Optional.ofNullable(json.getString("clientToken"));
    }

    static VolumeId volumeId(String field, String text) {
        try {
            return VolumeId.parse(text);
        } catch (IllegalArgumentException e) {
            throw malformed(ErrorCode.VOLUME_ID_MALFORMED, field, text, "a volume", VolumeId.PREFIX);
        }
    }

    static SnapshotId snapshotId(String field, String text) {
        try {
            return SnapshotId.parse(text);
        } catch (IllegalArgumentException e) {
            throw malformed(ErrorCode.SNAPSHOT_ID_MALFORMED, field, text, "a snapshot", SnapshotId.PREFIX);
        }
    }

    static RuleId ruleId(String text) {
        try {
            return new RuleId(text);
        } catch (IllegalArgumentException e) {
            throw malformed(ErrorCode.INVALID_PARAMETER_VALUE, "ruleId", text, "a retention rule", RuleId.PREFIX);
        }
    }

    static RequestException malformed(ErrorCode code, String field, String text, String kind, String prefix) {
        return new RequestException(
                code,
                "%s %s is not the id of %s, which is %s and 17 hexadecimal digits"
                        .formatted(field, Echo.json(text), kind, prefix));
    }
}
