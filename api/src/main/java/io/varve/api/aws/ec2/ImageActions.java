package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.TAGS;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.BlockDeviceMapping;
import io.varve.api.control.ImageCopies;
import io.varve.api.control.ImageEntry;
import io.varve.api.control.ImageId;
import io.varve.api.control.Images;
import io.varve.api.control.InstanceImages;
import io.varve.api.control.Label;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.VolumeLimits;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** Actions on images. */
final class ImageActions {
    private static final String MACHINE = "an image here is disks, not a machine";
    private static final String NOT_SHARED = "there is one account: images are shared with nobody";
    private static final int MOST_GIB = 65_536;
    private static final int MOST_FIGURE = 999_999_999;
    private static final Listing IMAGES = new Listing(Map.of(
            "owner-id", List.of(Place.ACCOUNT),
            "owner-alias", List.of("self"),
            "is-public", List.of("false"),
            "root-device-type", List.of("ebs"),
            "image-type", List.of("machine")));

    private final Images images;
    private final InstanceImages instanceImages;
    private final ImageCopies copies;

    ImageActions(Images images, InstanceImages instanceImages, ImageCopies copies) {
        this.images = images;
        this.instanceImages = instanceImages;
        this.copies = copies;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("CreateImage")
                        .done("InstanceId", "Name", "Description")
                        .done(TAGS)
                        .ignored("snapshots are taken at one instant, whether the machine runs or not", "NoReboot")
                        .ignored("there is one region with one zone", "SnapshotLocation")
                        .refused("an image has the disks of its instance as they are", "BlockDeviceMapping.*")
                        .by(this::create),
                changing("CopyImage")
                        .done("Name", "SourceImageId", "Description", "CopyImageTags", "ClientToken")
                        .done(TAGS)
                        .ignored("there is one region with one zone", "SourceRegion", "DestinationAvailabilityZone")
                        .ignored("there is one region with one zone", "DestinationAvailabilityZoneId")
                        .ignored("the copies are made at once", "SnapshotCopyCompletionDurationMinutes")
                        .refused("snapshots are not encrypted here", "Encrypted", "KmsKeyId")
                        .refused("there are no Outposts here", "DestinationOutpostArn")
                        .note("The copy has snapshots of its own, which share all blocks with those of the image.")
                        .by(this::copy),
                changing("RegisterImage")
                        .done("Name", "Description", "RootDeviceName")
                        .done("BlockDeviceMapping.N.DeviceName", "BlockDeviceMapping.N.Ebs.SnapshotId")
                        .done("BlockDeviceMapping.N.Ebs.VolumeSize", "BlockDeviceMapping.N.Ebs.VolumeType")
                        .done("BlockDeviceMapping.N.Ebs.Iops", "BlockDeviceMapping.N.Ebs.Throughput")
                        .done("BlockDeviceMapping.N.Ebs.DeleteOnTermination")
                        .done(TAGS)
                        .ignored(MACHINE, "Architecture", "VirtualizationType", "EnaSupport", "SriovNetSupport")
                        .ignored(MACHINE, "BootMode", "TpmSupport", "UefiData", "ImdsSupport", "KernelId", "RamdiskId")
                        .ignored(MACHINE, "BillingProduct.N")
                        .ignored("blocks are there at once", "BlockDeviceMapping.N.Ebs.VolumeInitializationRate")
                        .ignored("there is one zone", "BlockDeviceMapping.N.Ebs.AvailabilityZone")
                        .ignored("there is one zone", "BlockDeviceMapping.N.Ebs.AvailabilityZoneId")
                        .refused("volumes are not encrypted here", "BlockDeviceMapping.N.Ebs.Encrypted")
                        .refused("volumes are not encrypted here", "BlockDeviceMapping.N.Ebs.KmsKeyId")
                        .refused("there are no Outposts here", "BlockDeviceMapping.N.Ebs.OutpostArn")
                        .refused(
                                "disks are snapshots",
                                "BlockDeviceMapping.N.NoDevice",
                                "BlockDeviceMapping.N.VirtualName")
                        .refused("there is no S3 here", "ImageLocation")
                        .by(this::register),
                changing("DeregisterImage")
                        .done("ImageId", "DeleteAssociatedSnapshots")
                        .by(this::deregister),
                reading("DescribeImages")
                        .done("ImageId.N", "Owner.N", "ExecutableBy.N", "IncludeDeprecated")
                        .done("IncludeDisabled")
                        .done(LISTING)
                        .note(
                                "The owner has always seen deprecated images, in EC2 too: IncludeDeprecated changes nothing.")
                        .by(this::describe),
                reading("DescribeImageAttribute").done("ImageId", "Attribute").by(this::attribute),
                changing("ModifyImageAttribute")
                        .done("ImageId", "Attribute", "Value", "Description.Value", "OperationType")
                        .done("LaunchPermission.Remove.*")
                        .refused(NOT_SHARED, "LaunchPermission.Add.*", "UserId.N", "UserGroup.N")
                        .refused(NOT_SHARED, "OrganizationArn.N", "OrganizationalUnitArn.N", "ProductCode.N")
                        .refused(MACHINE, "ImdsSupport.Value")
                        .by(this::modify),
                changing("ResetImageAttribute")
                        .done("ImageId", "Attribute")
                        .by(request -> change(request, UnaryOperator.identity())));
    }

    private Label named(Parameters request) {
        request.required("Name");
        Label tags = request.label("image", "snapshot");
        return new Label(request.text("Name", Ec2Limits.IMAGE_NAME_CHARS), tags.tags());
    }

    private CompletableFuture<Reply> create(Parameters request) {
        InstanceImages.Request wanted = new InstanceImages.Request(
                named(request),
                request.label("snapshot", "image"),
                request.description(),
                Optional.empty(),
                Optional.empty());
        return instanceImages.create(request.instance("InstanceId"), wanted).thenApply(ImageActions::made);
    }

    private CompletableFuture<Reply> copy(Parameters request) {
        request.required("SourceRegion");
        ImageId source = request.image("SourceImageId");
        Label label = named(request);
        if (request.flag("CopyImageTags")) {
            label = label.over(images.describe(source).label().tags());
        }
        ImageCopies.Request wanted = new ImageCopies.Request(
                label,
                request.label("snapshot", "image"),
                request.text("Description", Ec2Limits.DESCRIPTION_CHARS),
                request.clientToken());
        return copies.copy(source, wanted).thenApply(ImageActions::made);
    }

    private static Reply made(ImageEntry image) {
        return Reply.changed(image.id(), xml -> xml.text("imageId", image.id()));
    }

    private CompletableFuture<Reply> register(Parameters request) {
        List<Images.Disk> disks = request.structures("BlockDeviceMapping").stream()
                .map(ImageActions::disk)
                .toList();
        if (disks.isEmpty() || disks.size() > ImageEntry.MOST_MAPPINGS) {
            throw new Ec2Exception(
                    "InvalidBlockDeviceMapping",
                    "BlockDeviceMapping has %d disks; from 1 to %d are allowed"
                            .formatted(disks.size(), ImageEntry.MOST_MAPPINGS));
        }
        Images.Request wanted = new Images.Request(
                named(request), request.description(), request.text("RootDeviceName"), disks, false, Optional.empty());
        return images.register(wanted).thenApply(ImageActions::made);
    }

    private static Images.Disk disk(Parameters mapping) {
        mapping.required("DeviceName");
        return new Images.Disk(
                mapping.text("DeviceName", Ec2Limits.DEVICE_CHARS).orElse(""),
                mapping.snapshot("Ebs.SnapshotId"),
                mapping.number("Ebs.VolumeSize", 1, MOST_GIB),
                new VolumeLimits(
                        mapping.text("Ebs.VolumeType").orElse("gp2"),
                        mapping.number("Ebs.Iops", 1, MOST_FIGURE).orElse(0),
                        mapping.number("Ebs.Throughput", 1, MOST_FIGURE).orElse(0)),
                mapping.optionalFlag("Ebs.DeleteOnTermination").orElse(true));
    }

    private CompletableFuture<Reply> deregister(Parameters request) {
        ImageId id = request.image("ImageId");
        return images.deregister(id, request.flag("DeleteAssociatedSnapshots"), Precondition.NONE)
                .thenApply(results -> Reply.changed(
                        id,
                        xml -> xml.text("return", true)
                                .set(
                                        "deleteSnapshotResultSet",
                                        results,
                                        (item, result) -> item.text("snapshotId", result.snapshot())
                                                .text(
                                                        "returnCode",
                                                        result.kept().isEmpty() ? "success" : "skipped"))));
    }

    private CompletableFuture<Reply> describe(Parameters request) {
        List<ImageId> ids =
                request.list("ImageId").stream().map(Parameters::imageId).toList();
        ids.forEach(images::describe);
        boolean disabledToo = request.flag("IncludeDisabled");
        ListRequest.Page<ImageEntry> page =
                IMAGES.page(request, ids, wanted -> disabledToo ? images.list(wanted) : images.listEnabled(wanted));
        boolean ours = SnapshotActions.isOurs(request, "Owner") && SnapshotActions.isOurs(request, "ExecutableBy");
        return Reply.of(xml -> xml.set("imagesSet", ours ? page.items() : List.of(), ImageActions::image)
                .text("nextToken", ours ? page.next() : Optional.empty()));
    }

    private static void image(Ec2Xml xml, ImageEntry image) {
        xml.text("imageId", image.id())
                .text("imageState", image.state())
                .text("imageOwnerId", Place.ACCOUNT)
                .text("isPublic", false)
                .text("imageType", "machine")
                .text("name", image.label().name())
                .text("description", image.description())
                .text("creationDate", image.createdAt())
                .text("deprecationTime", image.deprecatedAt())
                .text(
                        "deregistrationProtection",
                        image.deregistrationProtected() ? "enabled-without-cooldown" : "disabled")
                .text("rootDeviceName", image.rootDeviceName())
                .text("rootDeviceType", "ebs")
                .tags(image.label().tags());
        mappings(xml, image);
    }

    private static void mappings(Ec2Xml xml, ImageEntry image) {
        xml.set("blockDeviceMapping", image.mappings(), ImageActions::mapping);
    }

    private static void mapping(Ec2Xml xml, BlockDeviceMapping mapping) {
        xml.text("deviceName", mapping.deviceName()).inside("ebs", ebs -> {
            ebs.text("snapshotId", mapping.snapshot())
                    .text("volumeSize", mapping.sizeGiB())
                    .text("volumeType", mapping.limits().volumeType())
                    .text("deleteOnTermination", mapping.deleteOnTermination())
                    .text("encrypted", false);
            if (mapping.limits().iops() > 0) {
                ebs.text("iops", mapping.limits().iops());
            }
            if (mapping.limits().throughputMiBps() > 0) {
                ebs.text("throughput", mapping.limits().throughputMiBps());
            }
        });
    }

    private CompletableFuture<Reply> attribute(Parameters request) {
        ImageEntry image = images.describe(request.image("ImageId"));
        String attribute = request.required("Attribute");
        return switch (attribute) {
            case "description" ->
                Reply.of(xml -> xml.text("imageId", image.id())
                        .inside("description", value -> value.text("value", image.description())));
            case "launchPermission", "productCodes" ->
                Reply.of(xml -> xml.text("imageId", image.id()).inside(attribute, nobody -> {}));
            case "blockDeviceMapping" ->
                Reply.of(xml -> {
                    xml.text("imageId", image.id());
                    mappings(xml, image);
                });
            default ->
                throw Ec2Exception.value(
                        "Attribute", attribute, "description, launchPermission, productCodes or blockDeviceMapping");
        };
    }

    private CompletableFuture<Reply> modify(Parameters request) {
        String attribute = request.text("Attribute").orElse("description");
        if (!attribute.equals("description") && !attribute.equals("launchPermission")) {
            throw Ec2Exception.value("Attribute", attribute, "description or launchPermission");
        }
        String name = request.text("Description.Value").isPresent() ? "Description.Value" : "Value";
        Optional<String> description = request.text(name, Ec2Limits.DESCRIPTION_CHARS);
        return change(
                request,
                old -> old.with(
                        old.label(),
                        description.orElse(old.description()),
                        old.deprecatedAt(),
                        old.deregistrationProtected()));
    }

    private CompletableFuture<Reply> change(Parameters request, UnaryOperator<ImageEntry> change) {
        ImageId id = request.image("ImageId");
        return images.change(id, change, Precondition.NONE).thenApply(changed -> Reply.done(id));
    }
}
