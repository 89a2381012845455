package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.aws.Echo;
import io.varve.api.control.Attachment;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.Filter;
import io.varve.api.control.InstanceEntry;
import io.varve.api.control.InstanceId;
import io.varve.api.control.InstanceState;
import io.varve.api.control.Instances;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.RequestException;
import io.varve.api.control.Volumes;
import io.varve.engine.VolumeId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** What EC2 lets people ask and say of instances besides, as far as it is known of machines that others run. */
final class InstanceAttributeActions {
    private static final String MAPPING = "BlockDeviceMapping";
    private static final String MAPPING_ATTRIBUTE = "blockDeviceMapping";
    private static final String OK = "ok";

    private final Instances instances;
    private final Volumes volumes;

    InstanceAttributeActions(Instances instances, Volumes volumes) {
        this.instances = instances;
        this.volumes = volumes;
    }

    List<Ec2Action> all() {
        return List.of(
                reading("DescribeInstanceAttribute")
                        .done("InstanceId", "Attribute")
                        .by(this::attribute),
                changing("ModifyInstanceAttribute")
                        .done("InstanceId", "Attribute", "BlockDeviceMapping.N.DeviceName")
                        .done("BlockDeviceMapping.N.Ebs.VolumeId", "BlockDeviceMapping.N.Ebs.DeleteOnTermination")
                        .refused("volumes are detached with DetachVolume", "BlockDeviceMapping.N.NoDevice")
                        .refused("disks are volumes", "BlockDeviceMapping.N.VirtualName")
                        .refused(InstanceActions.ELSEWHERE, "DisableApiStop.*", "DisableApiTermination.*")
                        .refused(InstanceActions.ELSEWHERE, "EbsOptimized.*", "EnaSupport.*", "GroupId.N")
                        .refused(InstanceActions.ELSEWHERE, "InstanceInitiatedShutdownBehavior.*", "InstanceType.*")
                        .refused(InstanceActions.ELSEWHERE, "Kernel.*", "Ramdisk.*", "SourceDestCheck.*")
                        .refused(InstanceActions.ELSEWHERE, "SriovNetSupport.*", "UserData.*", "Value")
                        .note("Says of attached volumes whether they go with the instance.")
                        .by(this::modify),
                reading("DescribeInstanceStatus")
                        .done("InstanceId.N", "IncludeAllInstances")
                        .done(LISTING)
                        .note(
                                "Whoever runs the machine tells its state, and ok is what running says; that of the attached"
                                        + " volumes is what DescribeVolumeStatus says of them.")
                        .by(this::statuses),
                reading("DescribeInstanceTypes")
                        .done("InstanceType.N")
                        .done(LISTING)
                        .note("There are none here: one that is asked for is refused with InvalidInstanceType.")
                        .by(this::types));
    }

    private CompletableFuture<Reply> attribute(Parameters request) {
        InstanceEntry instance = instances.describe(request.instance("InstanceId"));
        String attribute = request.required("Attribute");
        return switch (attribute) {
            case MAPPING_ATTRIBUTE ->
                Reply.of(xml -> {
                    xml.text("instanceId", instance.id());
                    InstanceActions.mappings(xml, instance);
                });
            case "disableApiTermination", "disableApiStop", "ebsOptimized" ->
                Reply.of(xml ->
                        xml.text("instanceId", instance.id()).inside(attribute, value -> value.text("value", false)));
            default ->
                throw Ec2Exception.value(
                        "Attribute",
                        attribute,
                        "blockDeviceMapping, disableApiTermination, disableApiStop or ebsOptimized");
        };
    }

    private CompletableFuture<Reply> modify(Parameters request) {
        InstanceEntry instance = instances.describe(request.instance("InstanceId"));
        request.text("Attribute")
                .filter(name -> !name.equals(MAPPING_ATTRIBUTE))
                .ifPresent(other -> {
                    throw Ec2Exception.value("Attribute", other, MAPPING_ATTRIBUTE);
                });
        Map<VolumeId, Boolean> deleteOnTermination = new HashMap<>();
        for (Parameters mapping : request.structures(MAPPING)) {
            VolumeId volume = attached(instance, mapping).volume();
            mapping.required("Ebs.DeleteOnTermination");
            deleteOnTermination.put(volume, mapping.flag("Ebs.DeleteOnTermination"));
        }
        if (deleteOnTermination.isEmpty() && request.values().keySet().stream().noneMatch(name -> name.contains("."))) {
            throw new Ec2Exception("InvalidParameterCombination", "no attribute is given; there is " + MAPPING);
        }
        InstanceId id = instance.id();
        return instances
                .changeAttachments(id, deleteOnTermination, Precondition.NONE)
                .thenApply(changed -> Reply.done(id));
    }

    private static Attachment attached(InstanceEntry instance, Parameters mapping) {
        String device = mapping.required("DeviceName");
        return instance.attachments().stream()
                .filter(one -> one.deviceName().equals(device))
                .filter(one -> mapping.text("Ebs.VolumeId")
                        .map(Parameters::volumeId)
                        .filter(volume -> !volume.equals(one.volume()))
                        .isEmpty())
                .findFirst()
                .orElseThrow(() -> new RequestException(
                        ErrorCode.ATTACHMENT_NOT_FOUND,
                        "instance %s has no such volume at %s".formatted(instance.id(), Echo.quoted(device))));
    }

    private CompletableFuture<Reply> statuses(Parameters request) {
        List<InstanceId> ids =
                request.list("InstanceId").stream().map(Parameters::instanceId).toList();
        ids.forEach(instances::describe);
        boolean all = request.flag("IncludeAllInstances");
        ListRequest.Page<InstanceEntry> page =
                InstanceActions.INSTANCES.page(request, ids, wanted -> instances.list(all ? wanted : running(wanted)));
        return Reply.of(
                xml -> xml.set("instanceStatusSet", page.items(), this::status).text("nextToken", page.next()));
    }

    private static ListRequest running(ListRequest wanted) {
        Filter running = new Filter("instance-state-name", List.of(InstanceState.RUNNING.word()));
        List<Filter> filters =
                Stream.concat(wanted.filters().stream(), Stream.of(running)).toList();
        return new ListRequest(filters, wanted.ids(), wanted.limit(), wanted.token());
    }

    private void status(Ec2Xml xml, InstanceEntry instance) {
        String told = instance.life() == InstanceState.RUNNING ? OK : "not-applicable";
        boolean well = instance.attachments().stream().allMatch(this::isWell);
        xml.text("instanceId", instance.id())
                .text("availabilityZone", Place.ZONE)
                .text("availabilityZoneId", Place.ZONE_ID)
                .inside("instanceState", state -> InstanceActions.state(state, instance.life()))
                .inside("systemStatus", status -> status.text("status", told))
                .inside("instanceStatus", status -> status.text("status", told))
                .inside("attachedEbsStatus", status -> status.text("status", well ? OK : "impaired"))
                .inside("eventsSet", none -> {});
    }

    private boolean isWell(Attachment attachment) {
        return volumes.find(attachment.volume())
                .filter(volume -> !volume.isWell())
                .isEmpty();
    }

    private CompletableFuture<Reply> types(Parameters request) {
        request.page(request.filters(), Set.of()).token().ifPresent(token -> {
            throw new RequestException(
                    ErrorCode.INVALID_NEXT_TOKEN, "NextToken %s is of no list".formatted(Echo.quoted(token)));
        });
        List<String> asked = request.list("InstanceType");
        if (!asked.isEmpty()) {
            throw new Ec2Exception(
                    "InvalidInstanceType",
                    "there is no instance type %s: machines are run elsewhere".formatted(Echo.quoted(asked.get(0))));
        }
        return Reply.of(xml -> xml.inside("instanceTypeSet", none -> {}));
    }
}
