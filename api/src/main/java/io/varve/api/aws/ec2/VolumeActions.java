package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.TAGS;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.Attachment;
import io.varve.api.control.Connections;
import io.varve.api.control.LimitsChange;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.VolumeAttachment;
import io.varve.api.control.VolumeChange;
import io.varve.api.control.VolumeLimits;
import io.varve.api.control.VolumeModification;
import io.varve.api.control.VolumeModificationView;
import io.varve.api.control.VolumeRequest;
import io.varve.api.control.VolumeView;
import io.varve.api.control.Volumes;
import io.varve.engine.Compression;
import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Actions on volumes. */
final class VolumeActions {
    private static final int GIB_SHIFT = 30;
    private static final int MOST_FIGURE = 999_999_999;
    private static final String MULTI_ATTACH = "MultiAttachEnabled";
    static final String DEFAULT_TYPE = "gp2";
    private static final String NO_KEYS = "volumes are not encrypted here";
    private static final String NO_OUTPOSTS = "there are no Outposts here";
    private static final String WHOLE_AT_ONCE = "a volume has all its blocks at once";

    private static final Listing VOLUMES = new Listing(Place.OF_VOLUMES);
    private static final Listing MODIFICATIONS = new Listing(Map.of());

    private final Volumes volumes;
    private final Connections connections;

    VolumeActions(Volumes volumes, Connections connections) {
        this.volumes = volumes;
        this.connections = connections;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("CreateVolume")
                        .done("AvailabilityZone", "AvailabilityZoneId", "Size", "SnapshotId", "VolumeType", "Iops")
                        .done("Throughput", "MultiAttachEnabled", "ClientToken")
                        .done(TAGS)
                        .ignored(WHOLE_AT_ONCE, "VolumeInitializationRate")
                        .refused(NO_KEYS, "Encrypted", "KmsKeyId")
                        .refused(NO_OUTPOSTS, "OutpostArn")
                        .refused("there are no managed volumes here", "Operator.Principal")
                        .note("The default type is gp2, as EC2's; the zone may be left out.")
                        .by(this::create),
                changing("CopyVolumes")
                        .done("SourceVolumeId", "Size", "VolumeType", "Iops", "Throughput", "MultiAttachEnabled")
                        .done("ClientToken")
                        .done(TAGS)
                        .by(this::copy),
                changing("DeleteVolume").done("VolumeId").by(this::delete),
                changing("ModifyVolume")
                        .done("VolumeId", "Size", "VolumeType", "Iops", "Throughput", "MultiAttachEnabled")
                        .note("The modification is completed when it is answered.")
                        .by(this::modify),
                reading("DescribeVolumes").done("VolumeId.N").done(LISTING).by(this::describe),
                reading("DescribeVolumesModifications")
                        .done("VolumeId.N")
                        .done(LISTING)
                        .by(this::modifications),
                reading("ListVolumesInRecycleBin")
                        .done("VolumeId.N", "MaxResults", "NextToken")
                        .by(this::recycled),
                changing("RestoreVolumeFromRecycleBin").done("VolumeId").by(request -> {
                    VolumeId id = request.volume("VolumeId");
                    return volumes.restore(id).thenApply(back -> Reply.done(id));
                }));
    }

    private static VolumeLimits limits(Parameters request, String otherwise) {
        return new VolumeLimits(
                request.text("VolumeType").orElse(otherwise), figure(request, "Iops"), figure(request, "Throughput"));
    }

    private static int figure(Parameters request, String name) {
        return request.number(name, 1, MOST_FIGURE).orElse(0);
    }

    private static Optional<Integer> sizeGiB(Parameters request) {
        return request.number("Size", 1, 65_536);
    }

    private CompletableFuture<Reply> create(Parameters request) {
        Place.requireZone(request);
        Optional<SnapshotId> from = request.text("SnapshotId").map(Parameters::snapshotId);
        VolumeRequest wanted = new VolumeRequest(
                sizeGiB(request),
                from,
                Optional.empty(),
                limits(request, DEFAULT_TYPE),
                QosShare.EVEN,
                request.flag(MULTI_ATTACH),
                Compression.AUTO,
                request.label("volume"),
                request.clientToken());
        return volumes.create(wanted)
                .thenApply(made -> Reply.changed(made.record().id(), xml -> volume(xml, made)));
    }

    private CompletableFuture<Reply> copy(Parameters request) {
        VolumeView source = volumes.describe(request.volume("SourceVolumeId"));
        VolumeLimits same = LimitsChange.NONE.apply(source.entry().limits(), volumes.types());
        boolean asSource = request.text("VolumeType").isEmpty();
        VolumeLimits asked = limits(request, same.volumeType());
        VolumeLimits limits = asSource
                ? new VolumeLimits(
                        same.volumeType(),
                        asked.iops() > 0 ? asked.iops() : same.iops(),
                        asked.throughputMiBps() > 0 ? asked.throughputMiBps() : same.throughputMiBps())
                : asked;
        VolumeRequest wanted = new VolumeRequest(
                sizeGiB(request),
                Optional.empty(),
                Optional.of(source.record().id()),
                limits,
                QosShare.EVEN,
                request.flag(MULTI_ATTACH),
                source.record().compression(),
                request.label("volume"),
                request.clientToken());
        return volumes.create(wanted)
                .thenApply(made -> Reply.changed(
                        made.record().id(), xml -> xml.set("volumeSet", List.of(made), VolumeActions::volume)));
    }

    private CompletableFuture<Reply> delete(Parameters request) {
        VolumeId id = request.volume("VolumeId");
        return volumes.delete(id, false, Precondition.NONE, connections).thenApply(gone -> Reply.done(id));
    }

    private CompletableFuture<Reply> modify(Parameters request) {
        VolumeId id = request.volume("VolumeId");
        LimitsChange limits = new LimitsChange(
                request.text("VolumeType"),
                request.number("Iops", 1, MOST_FIGURE),
                request.number("Throughput", 1, MOST_FIGURE));
        Optional<Integer> sizeGiB = sizeGiB(request);
        Optional<Boolean> multiAttach = request.optionalFlag(MULTI_ATTACH);
        if (sizeGiB.isEmpty() && multiAttach.isEmpty() && limits.equals(LimitsChange.NONE)) {
            throw new Ec2Exception(
                    "InvalidParameterCombination",
                    "one of Size, VolumeType, Iops, Throughput and MultiAttachEnabled is needed");
        }
        VolumeChange change = new VolumeChange(
                sizeGiB, UnaryOperator.identity(), limits, UnaryOperator.identity(), multiAttach, Optional.empty());
        return volumes.change(id, change, Precondition.NONE)
                .thenApply(changed -> Reply.changed(
                        id,
                        xml -> changed.entry()
                                .modification()
                                .map(newest -> new VolumeModificationView(changed, newest))
                                .ifPresent(newest ->
                                        xml.inside("volumeModification", inner -> modification(inner, newest)))));
    }

    private CompletableFuture<Reply> describe(Parameters request) {
        ListRequest.Page<VolumeView> page = VOLUMES.page(request, ids(request), volumes::list);
        return Reply.of(
                xml -> xml.set("volumeSet", page.items(), VolumeActions::volume).text("nextToken", page.next()));
    }

    /** Those that are asked for. Fails if one of them is not there. */
    private List<VolumeId> ids(Parameters request) {
        List<VolumeId> ids =
                request.list("VolumeId").stream().map(Parameters::volumeId).toList();
        ids.forEach(volumes::describe);
        return ids;
    }

    private CompletableFuture<Reply> modifications(Parameters request) {
        ListRequest.Page<VolumeModificationView> page =
                MODIFICATIONS.page(request, ids(request), volumes::newestModifications);
        return Reply.of(xml -> xml.set("volumeModificationSet", page.items(), VolumeActions::modification)
                .text("nextToken", page.next()));
    }

    private CompletableFuture<Reply> recycled(Parameters request) {
        List<VolumeId> ids =
                request.list("VolumeId").stream().map(Parameters::volumeId).toList();
        ListRequest.Page<VolumeView> page = VOLUMES.page(request, ids, volumes::listRecycled);
        Consumer<Ec2Xml> content = xml ->
                xml.set("volumeSet", page.items(), VolumeActions::recycled).text("nextToken", page.next());
        return Reply.of(content);
    }

    private static void recycled(Ec2Xml xml, VolumeView volume) {
        xml.text("volumeId", volume.record().id()).text("state", volume.state());
        shape(xml, volume);
        xml.text("createTime", volume.record().createdAt());
        volume.entry()
                .recycled()
                .ifPresent(bin -> xml.text("recycleBinEnterTime", bin.since()).text("recycleBinExitTime", bin.until()));
    }

    private static void shape(Ec2Xml xml, VolumeView volume) {
        VolumeLimits limits = volume.entry().limits();
        xml.text("size", volume.record().sizeBytes() >> GIB_SHIFT)
                .text("availabilityZone", Place.ZONE)
                .text("availabilityZoneId", Place.ZONE_ID)
                .text("snapshotId", volume.origin().map(SnapshotId::toString).orElse(""))
                .text("volumeType", limits.volumeType());
        volume.entry().copy().ifPresent(copy -> xml.text("sourceVolumeId", copy.of()));
        if (limits.iops() > 0) {
            xml.text("iops", limits.iops());
        }
        if (limits.throughputMiBps() > 0) {
            xml.text("throughput", limits.throughputMiBps());
        }
    }

    private static void volume(Ec2Xml xml, VolumeView volume) {
        xml.text("volumeId", volume.record().id())
                .text("status", volume.state())
                .text("createTime", volume.record().createdAt())
                .text("encrypted", false)
                .text("multiAttachEnabled", volume.entry().multiAttach())
                .text("fastRestored", true);
        shape(xml, volume);
        xml.tags(volume.entry().label().tags())
                .set(
                        "attachmentSet",
                        volume.attachments(),
                        (item, one) -> attachment(item, one, one.attachment().state()));
    }

    static void attachment(Ec2Xml xml, VolumeAttachment attached, String state) {
        Attachment attachment = attached.attachment();
        xml.text("volumeId", attachment.volume())
                .text("instanceId", attached.instance())
                .text("device", attachment.deviceName())
                .text("status", state)
                .text("attachTime", attachment.attachedAt())
                .text("deleteOnTermination", attachment.deleteOnTermination());
    }

    private static void modification(Ec2Xml xml, VolumeModificationView view) {
        VolumeModification one = view.modification();
        xml.text("volumeId", view.volumeId())
                .text("modificationState", one.state().text())
                .text("progress", one.progress())
                .text("startTime", one.startedAt())
                .text("endTime", one.endedAt());
        if (!one.reason().isEmpty()) {
            xml.text("statusMessage", one.reason());
        }
        shape(xml, "target", one.target());
        shape(xml, "original", one.original());
    }

    private static void shape(Ec2Xml xml, String which, VolumeModification.Shape shape) {
        xml.text(which + "Size", shape.sizeGiB())
                .text(which + "VolumeType", shape.limits().volumeType())
                .text(which + "MultiAttachEnabled", shape.multiAttach());
        if (shape.limits().iops() > 0) {
            xml.text(which + "Iops", shape.limits().iops());
        }
        if (shape.limits().throughputMiBps() > 0) {
            xml.text(which + "Throughput", shape.limits().throughputMiBps());
        }
    }
}
