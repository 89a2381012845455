package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.Label;
import io.varve.api.control.RequestException;
import io.varve.api.control.SnapshotGroupRequest;
import io.varve.api.control.SnapshotRequest;
import io.varve.api.control.VolumeChange;
import io.varve.api.control.VolumeLimits;
import io.varve.api.control.VolumeRequest;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Requests out of JSON that the contract has let through. */
final class Requests {
    private static final int MAX_TAGS = 50;

    private Requests() {}

    static VolumeRequest createVolume(JsonObject json) {
        return new VolumeRequest(
                Optional.ofNullable(json.getInteger("sizeGiB")),
                Optional.ofNullable(json.getString("snapshotId")).map(id -> snapshotId("snapshotId", id)),
                new VolumeLimits(
                        json.getString("volumeType", VolumeLimits.LOCAL),
                        json.getInteger("iops", 0),
                        json.getInteger("throughputMiBps", 0)),
                label(json),
                Optional.ofNullable(json.getString("clientToken")));
    }

    static SnapshotRequest createSnapshot(JsonObject json) {
        return new SnapshotRequest(
                volumeId("volumeId", json.getString("volumeId")),
                label(json),
                json.getString("description", ""),
                Optional.ofNullable(json.getString("clientToken")));
    }

    static SnapshotGroupRequest createSnapshotGroup(JsonObject json) {
        Set<VolumeId> volumes = new LinkedHashSet<>();
        for (Object id : json.getJsonArray("volumeIds")) {
            volumes.add(volumeId("volumeIds", String.valueOf(id)));
        }
        return new SnapshotGroupRequest(volumes, label(json), json.getString("description", ""));
    }

    static VolumeChange changeVolume(JsonObject json) {
        return new VolumeChange(
                Optional.ofNullable(json.getInteger("sizeGiB")),
                old -> new Label(
                        json.containsKey("name") ? Optional.ofNullable(json.getString("name")) : old.name(),
                        changedTags(old.tags(), json.getJsonObject("tags", new JsonObject()))),
                old -> new VolumeLimits(
                        old.volumeType(),
                        changed(json, "iops", old.iops()),
                        changed(json, "throughputMiBps", old.throughputMiBps())));
    }

    /** An absent field leaves a limit, null removes it. */
    private static int changed(JsonObject json, String field, int old) {
        if (!json.containsKey(field)) {
            return old;
        }
        Integer value = json.getInteger(field);
        return value == null ? 0 : value;
    }

    private static Label label(JsonObject json) {
        return new Label(
                Optional.ofNullable(json.getString("name")),
                changedTags(Map.of(), json.getJsonObject("tags", new JsonObject())));
    }

    private static Map<String, String> changedTags(Map<String, String> old, JsonObject change) {
        Map<String, String> tags = new TreeMap<>(old);
        for (String key : change.fieldNames()) {
            String value = change.getString(key);
            if (value == null) {
                tags.remove(key);
            } else {
                tags.put(key, value);
            }
        }
        if (tags.size() > MAX_TAGS) {
            throw new RequestException(
                    ErrorCode.TAG_LIMIT_EXCEEDED, "tags would be " + tags.size() + "; " + MAX_TAGS + " are allowed");
        }
        return tags;
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

    private static RequestException malformed(ErrorCode code, String field, String text, String kind, String prefix) {
        return new RequestException(
                code,
                "%s %s is not the id of %s, which is %s and 17 hexadecimal digits"
                        .formatted(field, Echo.json(text), kind, prefix));
    }
}
