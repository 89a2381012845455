package io.varve.api.rest;

import io.netty.handler.codec.http.HttpResponseStatus;
import io.varve.api.control.Attachment;
import io.varve.api.control.DiskImageExport;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.ImportEntry;
import io.varve.api.control.Recycled;
import io.varve.api.control.RetentionRule;
import io.varve.api.control.SnapshotLock;
import io.varve.api.control.SnapshotView;
import io.varve.api.control.VolumeAttachment;
import io.varve.api.control.VolumeLimits;
import io.varve.api.control.VolumeView;
import io.varve.engine.Finding;
import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import io.varve.engine.ScrubStatus;
import io.varve.engine.StoreUsage;
import io.varve.engine.VolumeStatus;
import io.varve.engine.VolumeUsage;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What the server tells, as the JSON of the contract. */
final class Documents {
    private static final int GIB_SHIFT = 30;
    private static final int MIB_SHIFT = 20;

    private final NbdAddress nbd;

    Documents(NbdAddress nbd) {
        this.nbd = nbd;
    }

    JsonObject volume(VolumeView view) {
        String id = view.record().id().toString();
        VolumeLimits limits = view.entry().limits();
        JsonObject json = new JsonObject()
                .put("volumeId", id)
                .put("state", view.state())
                .put("sizeGiB", view.record().sizeBytes() >> GIB_SHIFT)
                .put("volumeType", limits.volumeType());
        putFigures(json, limits);
        if (view.entry().share().minimumIops() > 0) {
            json.put("minimumIops", view.entry().share().minimumIops());
        }
        if (view.entry().share().weight() != QosShare.EVEN.weight()) {
            json.put("weight", view.entry().share().weight());
        }
        if (view.entry().multiAttach()) {
            json.put("multiAttachEnabled", true);
        }
        view.origin().ifPresent(origin -> json.put("snapshotId", origin.toString()));
        view.entry()
                .copy()
                .ifPresent(copy -> json.put("sourceVolumeId", copy.of().toString()));
        view.entry().label().name().ifPresent(name -> json.put("name", name));
        json.put("tags", tags(view.entry().label().tags()))
                .put("createTime", time(view.record().createdAt()))
                .put("compression", view.record().compression().name().toLowerCase(Locale.ROOT))
                .put("encrypted", false)
                .put("usedBytes", view.usage().usedBytes())
                .put("status", status(view.record().status()))
                .put(
                        "attachments",
                        new JsonArray(view.attachments().stream()
                                .map(Documents::attachment)
                                .toList()));
        putSharing(json, view.usage());
        putRecycled(json, view.entry().recycled());
        return view.entry().recycled().isPresent() ? json : addressed(json, id);
    }

    /** An attachment, as a volume and as an instance tell it. */
    static JsonObject attachment(VolumeAttachment attached) {
        Attachment attachment = attached.attachment();
        return new JsonObject()
                .put("volumeId", attachment.volume().toString())
                .put("instanceId", attached.instance().text())
                .put("deviceName", attachment.deviceName())
                .put("state", attachment.state())
                .put("deleteOnTermination", attachment.deleteOnTermination())
                .put("attachTime", time(attachment.attachedAt()));
    }

    JsonObject snapshot(SnapshotView view) {
        String id = view.record().id().toString();
        JsonObject json = new JsonObject()
                .put("snapshotId", id)
                .put("state", view.state())
                .put("volumeId", view.volumeId().toString())
                .put("volumeSizeGiB", view.record().sizeBytes() >> GIB_SHIFT)
                .put("startTime", time(view.startTime()))
                .put("description", view.entry().description())
                .put("tags", tags(view.entry().label().tags()))
                .put("usedBytes", view.usage().usedBytes());
        putSharing(json, view.usage());
        view.entry().label().name().ifPresent(name -> json.put("name", name));
        if (!view.isFinished()) {
            json.put("progressPercent", view.progressPercent());
        }
        view.failure().ifPresent(why -> json.put("stateMessage", why));
        view.entry()
                .copy()
                .ifPresent(copy -> json.put("sourceSnapshotId", copy.of().toString()));
        view.entry().lock().ifPresent(lock -> json.put("lock", lock(lock, view.at())));
        putRecycled(json, view.entry().recycled());
        boolean isOffered = view.isFinished() && view.entry().recycled().isEmpty();
        return isOffered ? addressed(json, id) : json;
    }

    static void putFigures(JsonObject json, VolumeLimits limits) {
        if (limits.iops() > 0) {
            json.put("iops", limits.iops());
        }
        if (limits.throughputMiBps() > 0) {
            json.put("throughputMiBps", limits.throughputMiBps());
        }
    }

    private static JsonObject lock(SnapshotLock lock, Instant now) {
        JsonObject json = new JsonObject()
                .put("mode", lock.mode().name().toLowerCase(Locale.ROOT))
                .put("state", lock.state(now))
                .put("createTime", time(lock.createdAt()))
                .put("expirationTime", time(lock.expiresAt()));
        lock.coolOffUntil()
                .ifPresent(until ->
                        json.put("coolOffHours", lock.coolOffHours()).put("coolOffExpirationTime", time(until)));
        return json;
    }

    static void putRecycled(JsonObject json, Optional<Recycled> recycled) {
        recycled.ifPresent(bin -> json.put("recycleBinEnterTime", time(bin.since()))
                .put("recycleBinExitTime", time(bin.until()))
                .put("retentionRuleId", bin.rule().text()));
    }

    static JsonObject importEntry(ImportEntry entry) {
        JsonObject json = new JsonObject()
                .put("importId", entry.id().text())
                .put("state", entry.state())
                .put("description", entry.description())
                .put("tags", tags(entry.label().tags()))
                .put("receivedBytes", entry.progress().receivedBytes());
        entry.label().name().ifPresent(name -> json.put("name", name));
        entry.source().ifPresent(source -> json.put("sourceSnapshotId", source.toString()));
        if (entry.progress().sizeBytes() > 0) {
            json.put("volumeSizeGiB", entry.progress().sizeBytes() >> GIB_SHIFT);
        }
        entry.image().ifPresent(image -> {
            json.put("format", image.format().text()).put("file", image.file());
            image.failure().ifPresent(failure -> json.put("failure", failure));
        });
        return entry.completed() ? json.put("snapshotId", entry.snapshot().toString()) : json;
    }

    static JsonObject export(DiskImageExport export, int percent) {
        JsonObject json = new JsonObject()
                .put("exportId", export.id().text())
                .put("state", export.state())
                .put("snapshotId", export.snapshot().toString())
                .put("format", export.format().text())
                .put("file", export.file())
                .put("startTime", time(export.startedAt()))
                .put("progressPercent", percent);
        export.failure().ifPresent(failure -> json.put("failure", failure));
        return json;
    }

    static JsonObject retentionRule(RetentionRule rule, Instant now) {
        JsonObject json = new JsonObject()
                .put("ruleId", rule.id().text())
                .put("description", rule.description())
                .put("tags", tags(rule.label().tags()))
                .put("resourceType", rule.resource().name().toLowerCase(Locale.ROOT))
                .put("resourceTags", tags(rule.resourceTags()))
                .put("retentionDays", rule.retentionDays())
                .put("lockState", rule.lock().state(now));
        rule.label().name().ifPresent(name -> json.put("name", name));
        if (rule.lock().unlockDelayDays() > 0) {
            json.put("unlockDelayDays", rule.lock().unlockDelayDays());
        }
        rule.lock().unlockedAt().ifPresent(at -> json.put("unlockTime", time(at)));
        return json;
    }

    JsonObject snapshots(List<SnapshotView> views) {
        return new JsonObject()
                .put(
                        "snapshots",
                        new JsonArray(views.stream().map(this::snapshot).toList()));
    }

    private static void putSharing(JsonObject json, VolumeUsage usage) {
        usage.exclusiveBytes().ifPresent(bytes -> json.put("exclusiveBytes", bytes));
        usage.sharedBytes().ifPresent(bytes -> json.put("sharedBytes", bytes));
    }

    JsonObject store(StoreUsage usage, ScrubStatus scrub, QosLimits limits, int waitingVolumes) {
        JsonArray damaged = new JsonArray();
        for (Finding finding : scrub.damaged()) {
            damaged.add(new JsonObject()
                    .put("where", finding.where())
                    .put("what", finding.what())
                    .put("touches", new JsonArray(finding.touches())));
        }
        JsonObject scrubbed = new JsonObject()
                .put("rateBytesPerSecond", scrub.bytesPerSecond())
                .put("passes", scrub.passes())
                .put("bytesRead", scrub.bytesRead())
                .put("mapPagesRead", scrub.pagesRead())
                .put("damageFound", scrub.damageFound())
                .put("healed", scrub.healed())
                .put("damaged", damaged);
        scrub.lastFinished().ifPresent(finished -> scrubbed.put("lastFinishedTime", time(finished)));
        JsonObject space = new JsonObject()
                .put("liveBytes", usage.liveBytes())
                .put("deadBytes", usage.deadBytes())
                .put("recyclableBytes", usage.recyclableBytes())
                .put("mapBytes", usage.mapBytes())
                .put("reserveBytes", usage.reserveBytes())
                .put("freeBytes", usage.freeBytes());
        JsonObject held = new JsonObject().put("waitingVolumes", waitingVolumes);
        if (limits.iops() > 0) {
            held.put("iops", limits.iops());
        }
        if (limits.bytesPerSecond() > 0) {
            held.put("throughputMiBps", limits.bytesPerSecond() >> MIB_SHIFT);
        }
        return new JsonObject().put("space", space).put("scrub", scrubbed).put("limits", held);
    }

    private JsonObject addressed(JsonObject json, String id) {
        nbd.tcp(id).ifPresent(uri -> json.put("nbdUri", uri));
        nbd.unix(id).ifPresent(uri -> json.put("nbdUnixUri", uri));
        return json;
    }

    private static JsonObject status(VolumeStatus status) {
        String health = status.health().name().toLowerCase(Locale.ROOT).replace('_', '-');
        JsonObject json = new JsonObject().put("health", health);
        return status.detail().isEmpty() ? json : json.put("detail", status.detail());
    }

    static JsonObject tags(Map<String, String> tags) {
        JsonObject json = new JsonObject();
        tags.forEach(json::put);
        return json;
    }

    static String time(Instant instant) {
        return instant.truncatedTo(ChronoUnit.MILLIS).toString();
    }

    /** An RFC 9457 problem document. */
    static JsonObject problem(ErrorCode code, String detail) {
        return new JsonObject()
                .put("type", "about:blank")
                .put("title", HttpResponseStatus.valueOf(code.status()).reasonPhrase())
                .put("status", code.status())
                .put("code", code.code())
                .put("detail", detail);
    }
}
