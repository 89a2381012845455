package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.TAGS;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.Attachment;
import io.varve.api.control.Connections;
import io.varve.api.control.InstanceEntry;
import io.varve.api.control.Instances;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.SnapshotCopyRequest;
import io.varve.api.control.SnapshotGroupRequest;
import io.varve.api.control.SnapshotRequest;
import io.varve.api.control.SnapshotView;
import io.varve.api.control.Snapshots;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Actions on snapshots. */
final class SnapshotActions {
    private static final Listing SNAPSHOTS = new Listing(Place.OF_SNAPSHOTS);

    private static final int GIB_SHIFT = 30;
    private static final String NO_OUTPOSTS = "there are no Outposts here";
    private static final String ONE_PLACE = "there is one region with one zone";
    private static final String NO_KEYS = "snapshots are not encrypted here";

    private final Snapshots snapshots;
    private final Instances instances;
    private final Connections connections;

    SnapshotActions(Snapshots snapshots, Instances instances, Connections connections) {
        this.snapshots = snapshots;
        this.instances = instances;
        this.connections = connections;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("CreateSnapshot")
                        .done("VolumeId", "Description")
                        .done(TAGS)
                        .ignored(ONE_PLACE, "Location")
                        .refused(NO_OUTPOSTS, "OutpostArn")
                        .note("The snapshot is completed when it is answered.")
                        .by(this::create),
                changing("CreateSnapshots")
                        .done("InstanceSpecification.InstanceId", "InstanceSpecification.ExcludeBootVolume")
                        .done("InstanceSpecification.ExcludeDataVolumeId.N", "Description", "CopyTagsFromSource")
                        .done(TAGS)
                        .ignored(ONE_PLACE, "Location")
                        .refused(NO_OUTPOSTS, "OutpostArn")
                        .note("The boot volume is the one that was attached first.")
                        .by(this::createGroup),
                changing("CopySnapshot")
                        .done("SourceSnapshotId", "Description")
                        .done(TAGS)
                        .ignored(ONE_PLACE, "SourceRegion", "DestinationRegion", "DestinationAvailabilityZone")
                        .ignored("the copy is made at once", "PresignedUrl", "CompletionDurationMinutes")
                        .refused(NO_KEYS, "Encrypted", "KmsKeyId")
                        .refused(NO_OUTPOSTS, "DestinationOutpostArn")
                        .by(this::copy),
                changing("DeleteSnapshot").done("SnapshotId").by(this::delete),
                reading("DescribeSnapshots")
                        .done("SnapshotId.N", "Owner.N", "RestorableBy.N")
                        .done(LISTING)
                        .note("Owners are self and 000000000000; others own nothing here.")
                        .by(this::describe),
                reading("ListSnapshotsInRecycleBin")
                        .done("SnapshotId.N", "MaxResults", "NextToken")
                        .by(this::recycled),
                changing("RestoreSnapshotFromRecycleBin")
                        .done("SnapshotId")
                        .by(request -> snapshots
                                .restore(request.snapshot("SnapshotId"))
                                .thenApply(SnapshotActions::created)));
    }

    private CompletableFuture<Reply> create(Parameters request) {
        SnapshotRequest wanted = new SnapshotRequest(
                request.volume("VolumeId"), request.label("snapshot"), request.description(), Optional.empty());
        return snapshots.create(wanted).thenApply(SnapshotActions::created);
    }

    private static Reply created(SnapshotView made) {
        return Reply.changed(made.record().id(), xml -> snapshot(xml, made));
    }

    private CompletableFuture<Reply> createGroup(Parameters request) {
        InstanceEntry instance = instances.describe(request.instance("InstanceSpecification.InstanceId"));
        Set<VolumeId> wanted = new LinkedHashSet<>();
        instance.attachments().stream()
                .skip(request.flag("InstanceSpecification.ExcludeBootVolume") ? 1 : 0)
                .map(Attachment::volume)
                .forEach(wanted::add);
        for (String id : request.list("InstanceSpecification.ExcludeDataVolumeId")) {
            if (!wanted.remove(Parameters.volumeId(id))) {
                throw Ec2Exception.value("ExcludeDataVolumeId", id, "a volume that is attached to the instance");
            }
        }
        if (wanted.isEmpty()) {
            throw new Ec2Exception("IncorrectState", "no volume of instance %s is left".formatted(instance.id()));
        }
        SnapshotGroupRequest group = new SnapshotGroupRequest(
                wanted, request.label("snapshot"), copiesTags(request), request.description(), Optional.empty());
        return snapshots
                .createGroup(group)
                .thenApply(made -> new Reply(
                        xml -> xml.set("snapshotSet", made, SnapshotActions::grouped),
                        made.stream().map(one -> one.record().id().toString()).toList()));
    }

    private static boolean copiesTags(Parameters request) {
        Optional<String> source = request.text("CopyTagsFromSource");
        source.filter(other -> !other.equals("volume")).ifPresent(other -> {
            throw Ec2Exception.value("CopyTagsFromSource", other, "volume");
        });
        return source.isPresent();
    }

    /** A member of CreateSnapshots has its state in another element. */
    private static void grouped(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("state", snapshot.state());
        facts(xml, snapshot);
    }

    private CompletableFuture<Reply> copy(Parameters request) {
        SnapshotCopyRequest wanted = new SnapshotCopyRequest(
                request.snapshot("SourceSnapshotId"),
                request.label("snapshot"),
                request.description(),
                Optional.empty());
        return snapshots
                .copy(wanted)
                .thenApply(made -> Reply.changed(
                        made.record().id(),
                        xml -> xml.text("snapshotId", made.record().id())
                                .tags(made.entry().label().tags())));
    }

    private CompletableFuture<Reply> delete(Parameters request) {
        SnapshotId id = request.snapshot("SnapshotId");
        return snapshots.delete(id, false, Precondition.NONE, connections).thenApply(gone -> Reply.done(id));
    }

    private CompletableFuture<Reply> describe(Parameters request) {
        List<SnapshotId> ids =
                request.list("SnapshotId").stream().map(Parameters::snapshotId).toList();
        ids.forEach(snapshots::describe);
        ListRequest.Page<SnapshotView> page = SNAPSHOTS.page(request, ids, snapshots::list);
        List<SnapshotView> shown =
                isOurs(request, "Owner") && isOurs(request, "RestorableBy") ? page.items() : List.of();
        return Reply.of(xml -> xml.set("snapshotSet", shown, SnapshotActions::snapshot)
                .text("nextToken", shown.isEmpty() ? Optional.empty() : page.next()));
    }

    /** True unless the list names others only. */
    static boolean isOurs(Parameters request, String list) {
        List<String> owners = request.list(list);
        return owners.isEmpty() || owners.contains("self") || owners.contains(Place.ACCOUNT);
    }

    private CompletableFuture<Reply> recycled(Parameters request) {
        List<SnapshotId> ids =
                request.list("SnapshotId").stream().map(Parameters::snapshotId).toList();
        ListRequest.Page<SnapshotView> page = SNAPSHOTS.page(request, ids, snapshots::listRecycled);
        return Reply.of(xml ->
                xml.set("snapshotSet", page.items(), SnapshotActions::recycled).text("nextToken", page.next()));
    }

    private static void recycled(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("snapshotId", snapshot.record().id())
                .text("volumeId", snapshot.volumeId())
                .text("description", snapshot.entry().description());
        snapshot.entry()
                .recycled()
                .ifPresent(bin -> xml.text("recycleBinEnterTime", bin.since()).text("recycleBinExitTime", bin.until()));
    }

    private static void snapshot(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("status", snapshot.state())
                .text("statusMessage", snapshot.failure())
                .text("storageTier", "standard")
                .text("transferType", "standard")
                .text("fullSnapshotSizeInBytes", snapshot.usage().usedBytes());
        if (snapshot.isFinished()) {
            xml.text("completionTime", snapshot.record().createdAt());
        }
        facts(xml, snapshot);
    }

    private static void facts(Ec2Xml xml, SnapshotView snapshot) {
        xml.text("snapshotId", snapshot.record().id())
                .text("volumeId", snapshot.volumeId())
                .text("volumeSize", snapshot.record().sizeBytes() >> GIB_SHIFT)
                .text("startTime", snapshot.startTime())
                .text("progress", snapshot.progressPercent() + "%")
                .text("ownerId", Place.ACCOUNT)
                .text("description", snapshot.entry().description())
                .text("encrypted", false)
                .tags(snapshot.entry().label().tags());
    }
}
