package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.Attachment;
import io.varve.api.control.Connections;
import io.varve.api.control.InstanceEntry;
import io.varve.api.control.InstanceId;
import io.varve.api.control.InstanceState;
import io.varve.api.control.Instances;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.VolumeAttachment;
import io.varve.api.control.VolumeView;
import io.varve.api.control.Volumes;
import io.varve.engine.VolumeId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Actions on instances, as far as they are written down here, and on the volumes attached to them. */
final class InstanceActions {
    static final String ELSEWHERE = "the machine is run elsewhere: its record here has no such thing";
    static final Listing INSTANCES =
            new Listing(Map.of("availability-zone", List.of(Place.ZONE), "owner-id", List.of(Place.ACCOUNT)));

    private final Instances instances;
    private final Volumes volumes;
    private final Connections connections;

    InstanceActions(Instances instances, Volumes volumes, Connections connections) {
        this.instances = instances;
        this.volumes = volumes;
        this.connections = connections;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("AttachVolume")
                        .done("VolumeId", "InstanceId", "Device")
                        .by(this::attach),
                changing("DetachVolume")
                        .done("VolumeId", "InstanceId", "Device", "Force")
                        .by(this::detach),
                changing("StartInstances")
                        .done("InstanceId.N")
                        .ignored(ELSEWHERE, "AdditionalInfo")
                        .note("Tells that they run.")
                        .by(request -> become(request, InstanceState.RUNNING)),
                changing("StopInstances")
                        .done("InstanceId.N")
                        .ignored(ELSEWHERE, "Hibernate", "SkipOsShutdown", "Force")
                        .note("Tells that they are stopped.")
                        .by(request -> become(request, InstanceState.STOPPED)),
                changing("RebootInstances")
                        .done("InstanceId.N")
                        .note("Changes nothing.")
                        .by(request -> {
                            ids(request, true);
                            return Reply.of(xml -> xml.text("return", true));
                        }),
                changing("TerminateInstances")
                        .done("InstanceId.N")
                        .ignored(ELSEWHERE, "Force", "SkipOsShutdown")
                        .by(request -> become(request, InstanceState.TERMINATED)),
                reading("DescribeInstances").done("InstanceId.N").done(LISTING).by(this::describe));
    }

    private CompletableFuture<Reply> attach(Parameters request) {
        VolumeId volume = request.volume("VolumeId");
        InstanceId instance = request.instance("InstanceId");
        request.required("Device");
        String device = request.text("Device", Ec2Limits.DEVICE_CHARS).orElse("");
        volumes.describe(volume);
        return instances
                .attach(instance, volume, device, false, Precondition.NONE)
                .thenApply(changed -> attached(
                        new VolumeAttachment(
                                instance, changed.attachment(volume).orElseThrow()),
                        "attached"));
    }

    private static Reply attached(VolumeAttachment attached, String state) {
        return Reply.changed(attached.attachment().volume(), xml -> VolumeActions.attachment(xml, attached, state));
    }

    private CompletableFuture<Reply> detach(Parameters request) {
        VolumeView volume = volumes.describe(request.volume("VolumeId"));
        VolumeId id = volume.record().id();
        if (volume.attachments().isEmpty()) {
            throw new Ec2Exception("IncorrectState", "volume %s is attached to no instance".formatted(id));
        }
        Optional<InstanceId> instance = request.text("InstanceId").map(Parameters::instanceId);
        if (instance.isEmpty() && volume.attachments().size() > 1) {
            throw new Ec2Exception(
                    "MissingParameter",
                    "volume %s is attached to several instances: InstanceId is needed".formatted(id));
        }
        Optional<String> device = request.text("Device");
        VolumeAttachment left = volume.attachments().stream()
                .filter(one -> instance.isEmpty() || instance.get().equals(one.instance()))
                .filter(one ->
                        device.isEmpty() || device.get().equals(one.attachment().deviceName()))
                .findFirst()
                .orElseThrow(() -> elsewhere(id, volume.attachments().get(0)));
        return instances
                .detach(left.instance(), id, request.flag("Force"), Precondition.NONE, connections)
                .thenApply(after -> attached(left, after.attachment(id).isPresent() ? "detaching" : "detached"));
    }

    private static Ec2Exception elsewhere(VolumeId volume, VolumeAttachment attached) {
        return new Ec2Exception(
                "InvalidAttachment.NotFound",
                "volume %s is attached to instance %s as %s"
                        .formatted(
                                volume,
                                attached.instance(),
                                attached.attachment().deviceName()));
    }

    static void reservation(Ec2Xml xml, InstanceEntry instance) {
        xml.text("reservationId", "r-" + instance.id().text().substring(InstanceId.PREFIX.length()))
                .text("ownerId", Place.ACCOUNT)
                .inside("groupSet", none -> {})
                .set("instancesSet", List.of(instance), InstanceActions::instance);
    }

    private static void instance(Ec2Xml xml, InstanceEntry instance) {
        xml.text("instanceId", instance.id())
                .text("imageId", instance.launch().map(InstanceEntry.Launch::image))
                .inside("instanceState", state -> state(state, instance.life()))
                .inside("placement", placement -> placement.text("availabilityZone", Place.ZONE))
                .text("launchTime", instance.changedAt())
                .text("rootDeviceType", "ebs")
                .text(
                        "rootDeviceName",
                        instance.attachments().stream()
                                .map(Attachment::deviceName)
                                .findFirst())
                .tags(instance.label().tags());
        mappings(xml, instance);
    }

    static void mappings(Ec2Xml xml, InstanceEntry instance) {
        xml.set(
                "blockDeviceMapping",
                instance.attachments(),
                (item, one) -> item.text("deviceName", one.deviceName())
                        .inside(
                                "ebs",
                                ebs -> ebs.text("volumeId", one.volume())
                                        .text("status", one.state())
                                        .text("attachTime", one.attachedAt())
                                        .text("deleteOnTermination", one.deleteOnTermination())));
    }

    static void state(Ec2Xml xml, InstanceState life) {
        int code = switch (life) {
            case PENDING -> 0;
            case RUNNING -> 16;
            case SHUTTING_DOWN -> 32;
            case TERMINATED -> 48;
            case STOPPING -> 64;
            case STOPPED -> 80;
        };
        xml.text("code", code).text("name", life.word());
    }

    private List<InstanceId> ids(Parameters request, boolean needed) {
        List<String> ids = request.list("InstanceId");
        if (needed && ids.isEmpty()) {
            request.required("InstanceId.1");
        }
        List<InstanceId> all = ids.stream().map(Parameters::instanceId).toList();
        all.forEach(instances::describe);
        return all;
    }

    private record Change(InstanceId id, InstanceState before, InstanceState now) {}

    /** One after the other; what already is so stays so. */
    private CompletableFuture<Reply> become(Parameters request, InstanceState life) {
        List<InstanceId> ids = ids(request, true);
        List<Change> changes = new ArrayList<>();
        CompletableFuture<?> done = CompletableFuture.completedFuture(ids);
        for (InstanceId id : ids) {
            done = done.thenCompose(before -> become(id, life)).thenAccept(changes::add);
        }
        return done.thenApply(all -> new Reply(
                xml -> xml.set(
                        "instancesSet",
                        changes,
                        (item, change) -> item.text("instanceId", change.id())
                                .inside("currentState", state -> state(state, change.now()))
                                .inside("previousState", state -> state(state, change.before()))),
                ids.stream().map(InstanceId::text).toList()));
    }

    private CompletableFuture<Change> become(InstanceId id, InstanceState life) {
        InstanceState before = instances.describe(id).life();
        if (before == life) {
            return CompletableFuture.completedFuture(new Change(id, before, life));
        }
        return instances
                .become(id, life, Precondition.NONE, connections)
                .thenApply(changed -> new Change(id, before, changed.life()));
    }

    private CompletableFuture<Reply> describe(Parameters request) {
        ListRequest.Page<InstanceEntry> page = INSTANCES.page(request, ids(request, false), instances::list);
        return Reply.of(xml -> xml.set("reservationSet", page.items(), InstanceActions::reservation)
                .text("nextToken", page.next()));
    }
}
