package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.ListRequest;
import io.varve.api.control.VolumeView;
import io.varve.api.control.Volumes;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeStatus;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** How well volumes are, and what EC2 lets people say about that. */
final class VolumeStatusActions {
    private static final Listing VOLUMES = new Listing(Place.OF_VOLUMES);

    private final Volumes volumes;

    VolumeStatusActions(Volumes volumes) {
        this.volumes = volumes;
    }

    List<Ec2Action> all() {
        return List.of(
                reading("DescribeVolumeStatus")
                        .done("VolumeId.N")
                        .done(LISTING)
                        .note("impaired is a volume with damaged blocks or one that refuses writes.")
                        .by(this::status),
                reading("DescribeVolumeAttribute").done("VolumeId", "Attribute").by(this::attribute),
                changing("ModifyVolumeAttribute")
                        .done("VolumeId", "AutoEnableIO.Value")
                        .note("AutoEnableIO is always true: only false is refused, with UnsupportedOperation.")
                        .by(this::modifyAttribute),
                changing("EnableVolumeIO")
                        .done("VolumeId")
                        .note("Nothing to do: what can be read is read, damaged blocks alone fail.")
                        .by(request -> {
                            VolumeId id = volumes.describe(request.volume("VolumeId"))
                                    .record()
                                    .id();
                            return CompletableFuture.completedFuture(Reply.done(id));
                        }));
    }

    private CompletableFuture<Reply> status(Parameters request) {
        List<VolumeId> ids =
                request.list("VolumeId").stream().map(Parameters::volumeId).toList();
        ids.forEach(volumes::describe);
        ListRequest.Page<VolumeView> page = VOLUMES.page(request, ids, volumes::list);
        return Reply.of(xml -> xml.set("volumeStatusSet", page.items(), VolumeStatusActions::item)
                .text("nextToken", page.next()));
    }

    private static void item(Ec2Xml xml, VolumeView volume) {
        VolumeStatus status = volume.record().status();
        boolean well = volume.isWell();
        xml.text("volumeId", volume.record().id())
                .text("availabilityZone", Place.ZONE)
                .text("availabilityZoneId", Place.ZONE_ID)
                .inside(
                        "volumeStatus",
                        inner -> inner.text("status", well ? "ok" : "impaired")
                                .set(
                                        "details",
                                        List.of("io-enabled"),
                                        (item, name) ->
                                                item.text("name", name).text("status", well ? "passed" : "failed")))
                .set(
                        "eventsSet",
                        well ? List.<VolumeStatus>of() : List.of(status),
                        (item, event) -> item.text("eventType", "potential-data-inconsistency")
                                .text("description", event.detail()))
                .inside("actionsSet", none -> {});
    }

    private CompletableFuture<Reply> attribute(Parameters request) {
        VolumeId id = volumes.describe(request.volume("VolumeId")).record().id();
        String attribute = request.required("Attribute");
        return switch (attribute) {
            case "autoEnableIO" ->
                Reply.of(xml -> xml.text("volumeId", id).inside("autoEnableIO", value -> value.text("value", true)));
            case "productCodes" -> Reply.of(xml -> xml.text("volumeId", id).inside("productCodes", none -> {}));
            default -> throw Ec2Exception.value("Attribute", attribute, "autoEnableIO or productCodes");
        };
    }

    private CompletableFuture<Reply> modifyAttribute(Parameters request) {
        VolumeId id = volumes.describe(request.volume("VolumeId")).record().id();
        if (!request.optionalFlag("AutoEnableIO.Value").orElse(true)) {
            throw Ec2Exception.unsupported("I/O is never switched off because of damage: AutoEnableIO is always true");
        }
        return CompletableFuture.completedFuture(Reply.done(id));
    }
}
