package io.varve.api.rest;

import io.varve.api.control.Attachment;
import io.varve.api.control.Connections;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.InstanceEntry;
import io.varve.api.control.InstanceId;
import io.varve.api.control.InstanceLaunches;
import io.varve.api.control.InstanceState;
import io.varve.api.control.Instances;
import io.varve.api.control.Label;
import io.varve.api.control.LimitsChange;
import io.varve.api.control.RequestException;
import io.varve.api.control.VolumeAttachment;
import io.varve.api.control.VolumeLimits;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** The operations under {@code /v1/instances}. */
final class InstanceOperations {
    private static final String PATH = "/v1/instances/";

    private final Instances instances;
    private final InstanceLaunches launches;
    private final Waits waits;

    InstanceOperations(Instances instances, InstanceLaunches launches, Waits waits) {
        this.instances = instances;
        this.launches = launches;
        this.waits = waits;
    }

    void addTo(Operations operations, Connections connections) {
        operations.add(
                "createInstance",
                call -> made(call.body())
                        .thenApply(made -> Answer.created(made.etag(), PATH + made.id(), document(made))));
        operations.addPrompt(
                "listInstances",
                call -> Answer.json(
                        200, Call.page("instances", instances.list(call.list()), InstanceOperations::document)));
        operations.add("describeInstance", call -> settled(call.preferences(), id(call)));
        operations.add("setInstanceState", call -> {
            InstanceId id = id(call);
            Preferences preferred = call.preferences();
            return instances
                    .become(id, InstanceState.of(call.body().getString("state")), call.precondition(), connections)
                    .thenCompose(begun -> settled(preferred, id));
        });
        operations.add(
                "attachVolume",
                call -> instances
                        .attach(
                                id(call),
                                call.volumeId(),
                                call.body().getString("deviceName"),
                                call.body().getBoolean("deleteOnTermination", false),
                                call.precondition())
                        .thenApply(InstanceOperations::described));
        operations.add(
                "changeAttachment",
                call -> instances
                        .changeAttachments(
                                id(call),
                                Map.of(call.volumeId(), call.body().getBoolean("deleteOnTermination")),
                                call.precondition())
                        .thenApply(InstanceOperations::described));
        operations.add("detachVolume", call -> {
            InstanceId id = id(call);
            VolumeId volume = call.volumeId();
            Preferences preferred = call.preferences();
            return instances
                    .detach(id, volume, call.force(), call.precondition(), connections)
                    .thenCompose(begun -> waits.until(preferred, id, () -> detaching(id, volume)));
        });
    }

    private CompletableFuture<Answer> settled(Preferences preferred, InstanceId id) {
        return waits.until(preferred, id, () -> {
            InstanceEntry instance = instances.describe(id);
            return new Waits.Stage(instance.settled(), described(instance));
        });
    }

    private Waits.Stage detaching(InstanceId id, VolumeId volume) {
        InstanceEntry instance = instances.describe(id);
        boolean leaving =
                instance.attachment(volume).filter(Attachment::detaching).isPresent();
        return new Waits.Stage(!leaving, described(instance));
    }

    private static InstanceId id(Call call) {
        return instanceId(call.path("instanceId"));
    }

    static InstanceId instanceId(String text) {
        try {
            return new InstanceId(text);
        } catch (IllegalArgumentException e) {
            throw Requests.malformed(
                    ErrorCode.INSTANCE_ID_MALFORMED, "instanceId", text, "an instance", InstanceId.PREFIX);
        }
    }

    private CompletableFuture<InstanceEntry> made(JsonObject json) {
        Optional<InstanceId> id =
                Optional.ofNullable(json.getString("instanceId")).map(InstanceOperations::instanceId);
        String image = json.getString("imageId");
        JsonArray disks = json.getJsonArray("blockDeviceMappings", new JsonArray());
        if (image != null) {
            return launches.launch(new InstanceLaunches.Request(
                    id,
                    ImageOperations.imageId(image),
                    disks.stream()
                            .map(JsonObject.class::cast)
                            .map(InstanceOperations::disk)
                            .toList(),
                    Requests.label(json),
                    new Label(Optional.empty(), Requests.label(json).tags()),
                    VolumeLimits.LOCAL,
                    Requests.clientToken(json)));
        }
        if (!disks.isEmpty()) {
            throw new RequestException(ErrorCode.MISSING_PARAMETER, "blockDeviceMappings goes with imageId only");
        }
        return instances.create(new Instances.Request(id, Requests.label(json), Requests.clientToken(json)));
    }

    private static InstanceLaunches.Disk disk(JsonObject json) {
        return new InstanceLaunches.Disk(
                json.getString("deviceName"),
                json.getBoolean("noDevice", false),
                Optional.ofNullable(json.getString("snapshotId")).map(id -> Requests.snapshotId("snapshotId", id)),
                Optional.ofNullable(json.getInteger("sizeGiB")),
                new LimitsChange(
                        Optional.ofNullable(json.getString("volumeType")),
                        Optional.ofNullable(json.getInteger("iops")),
                        Optional.ofNullable(json.getInteger("throughputMiBps"))),
                Optional.ofNullable(json.getBoolean("deleteOnTermination")));
    }

    private static Answer described(InstanceEntry instance) {
        return Answer.tagged(instance.etag(), document(instance));
    }

    private static JsonObject document(InstanceEntry instance) {
        JsonObject json = new JsonObject()
                .put("instanceId", instance.id().text())
                .put("state", instance.state())
                .put("stateTransitionTime", Documents.time(instance.changedAt()))
                .put("tags", Documents.tags(instance.label().tags()))
                .put(
                        "attachments",
                        new JsonArray(instance.attachments().stream()
                                .map(attachment -> new VolumeAttachment(instance.id(), attachment))
                                .map(Documents::attachment)
                                .toList()));
        instance.label().name().ifPresent(name -> json.put("name", name));
        instance.launch().ifPresent(launch -> json.put("imageId", launch.image().text()));
        return json;
    }
}
