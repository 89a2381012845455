package io.varve.api.rest;

import io.varve.api.control.BlockDeviceMapping;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.ImageCopies;
import io.varve.api.control.ImageEntry;
import io.varve.api.control.ImageId;
import io.varve.api.control.ImageLaunches;
import io.varve.api.control.Images;
import io.varve.api.control.InstanceImages;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The operations under {@code /v1/images}. */
final class ImageOperations {
    private static final String PATH = "/v1/images/";
    private static final String DEPRECATION_TIME = "deprecationTime";
    private static final String PROTECTION = "deregistrationProtection";

    private final Images images;
    private final ImageLaunches launches;
    private final Documents documents;

    ImageOperations(Images images, ImageLaunches launches, Documents documents) {
        this.images = images;
        this.launches = launches;
        this.documents = documents;
    }

    void addTo(Operations operations) {
        operations.add(
                "registerImage",
                call -> images.register(request(call.body()))
                        .thenApply(image -> Answer.created(image.etag(), PATH + image.id(), document(image))));
        operations.addPrompt(
                "listImages",
                call -> Answer.json(200, Call.page("images", images.list(call.list()), ImageOperations::document)));
        operations.addPrompt("describeImage", call -> described(images.describe(id(call))));
        operations.add(
                "changeImage",
                call -> images.change(id(call), change(call.body()), call.precondition())
                        .thenApply(ImageOperations::described));
        operations.add("deregisterImage", call -> {
            ImageId id = id(call);
            return images.deregister(id, call.query().flag("deleteSnapshots"), call.precondition())
                    .thenApply(results -> Answer.json(200, deregistration(id, results)));
        });
        operations.addPrompt(
                "listRecycledImages",
                call -> Answer.json(
                        200, Call.page("images", images.listRecycled(call.list()), ImageOperations::document)));
        operations.add("restoreImage", call -> images.restore(id(call)).thenApply(ImageOperations::described));
        operations.add("purgeImage", call -> images.purge(id(call)).thenApply(gone -> Answer.empty()));
        operations.add("launchVolumes", call -> {
            ImageEntry image = images.describe(id(call));
            return launches.launch(image.id(), launch(call.body()))
                    .thenApply(launched -> Answer.json(201, launches(image, launched)));
        });
    }

    void addCopiesTo(Operations operations, ImageCopies copies) {
        operations.add(
                "copyImage",
                call -> copies.copy(id(call), copy(call.body()))
                        .thenApply(image -> Answer.created(image.etag(), PATH + image.id(), document(image))));
    }

    private static ImageCopies.Request copy(JsonObject json) {
        return new ImageCopies.Request(
                Requests.label(json),
                Requests.label(json),
                Optional.ofNullable(json.getString("description")),
                Requests.clientToken(json));
    }

    void addInstancesTo(Operations operations, InstanceImages instances) {
        operations.add(
                "createImage",
                call -> instances
                        .create(InstanceOperations.instanceId(call.path("instanceId")), instanceRequest(call.body()))
                        .thenApply(image -> Answer.created(image.etag(), PATH + image.id(), document(image))));
    }

    private static InstanceImages.Request instanceRequest(JsonObject json) {
        return new InstanceImages.Request(
                Requests.label(json),
                Requests.label(json),
                json.getString("description", ""),
                Optional.ofNullable(json.getString("rootDeviceName")),
                Requests.clientToken(json));
    }

    private static ImageId id(Call call) {
        return imageId(call.path("imageId"));
    }

    static ImageId imageId(String text) {
        try {
            return new ImageId(text);
        } catch (IllegalArgumentException e) {
            throw Requests.malformed(ErrorCode.IMAGE_ID_MALFORMED, "imageId", text, "an image", ImageId.PREFIX);
        }
    }

    private static Images.Request request(JsonObject json) {
        return new Images.Request(
                Requests.label(json),
                json.getString("description", ""),
                Optional.ofNullable(json.getString("rootDeviceName")),
                json.getJsonArray("blockDeviceMappings").stream()
                        .map(JsonObject.class::cast)
                        .map(ImageOperations::disk)
                        .toList(),
                json.getBoolean(PROTECTION, false),
                Requests.clientToken(json));
    }

    private static Images.Disk disk(JsonObject json) {
        return new Images.Disk(
                json.getString("deviceName"),
                Requests.snapshotId("snapshotId", json.getString("snapshotId")),
                Optional.ofNullable(json.getInteger("sizeGiB")),
                Requests.limits(json),
                json.getBoolean("deleteOnTermination", true));
    }

    private static UnaryOperator<ImageEntry> change(JsonObject json) {
        Optional<Instant> deprecation = Optional.ofNullable(json.getString(DEPRECATION_TIME))
                .map(text -> Requests.time(DEPRECATION_TIME, text).truncatedTo(ChronoUnit.MILLIS));
        return old -> new ImageEntry(
                old.id(),
                old.phase(),
                Requests.changedLabel(json).apply(old.label()),
                json.getString("description", old.description()),
                old.rootDeviceName(),
                old.mappings(),
                old.createdAt(),
                json.containsKey(DEPRECATION_TIME) ? deprecation : old.deprecatedAt(),
                json.getBoolean(PROTECTION, old.deregistrationProtected()),
                json.getBoolean("disabled", old.disabled()),
                old.clientToken(),
                old.recycled());
    }

    private static ImageLaunches.Request launch(JsonObject json) {
        return new ImageLaunches.Request(json.getInteger("count", 1), Requests.label(json), Requests.clientToken(json));
    }

    private static Answer described(ImageEntry image) {
        return Answer.tagged(image.etag(), document(image));
    }

    private static JsonObject document(ImageEntry image) {
        JsonObject json = new JsonObject()
                .put("imageId", image.id().text())
                .put("name", image.label().name().orElse(""))
                .put("state", image.state())
                .put("description", image.description())
                .put("tags", Documents.tags(image.label().tags()))
                .put("rootDeviceName", image.rootDeviceName())
                .put(
                        "blockDeviceMappings",
                        new JsonArray(image.mappings().stream()
                                .map(ImageOperations::document)
                                .toList()))
                .put("creationDate", Documents.time(image.createdAt()))
                .put(PROTECTION, image.deregistrationProtected());
        image.deprecatedAt().ifPresent(at -> json.put(DEPRECATION_TIME, Documents.time(at)));
        Documents.putRecycled(json, image.recycled());
        return json;
    }

    private static JsonObject document(BlockDeviceMapping mapping) {
        JsonObject json = new JsonObject()
                .put("deviceName", mapping.deviceName())
                .put("snapshotId", mapping.snapshot().toString())
                .put("sizeGiB", mapping.sizeGiB())
                .put("volumeType", mapping.limits().volumeType())
                .put("deleteOnTermination", mapping.deleteOnTermination());
        if (mapping.limits().iops() > 0) {
            json.put("iops", mapping.limits().iops());
        }
        if (mapping.limits().throughputMiBps() > 0) {
            json.put("throughputMiBps", mapping.limits().throughputMiBps());
        }
        return json;
    }

    private static JsonObject deregistration(ImageId id, List<Images.SnapshotResult> results) {
        JsonArray snapshots = new JsonArray();
        for (Images.SnapshotResult result : results) {
            JsonObject json = new JsonObject()
                    .put("snapshotId", result.snapshot().toString())
                    .put("deleted", result.kept().isEmpty());
            result.kept()
                    .ifPresent(
                            why -> json.put("code", why.code().code()).put("detail", String.valueOf(why.getMessage())));
            snapshots.add(json);
        }
        return new JsonObject().put("imageId", id.text()).put("snapshots", snapshots);
    }

    private JsonObject launches(ImageEntry image, List<List<ImageLaunches.Disk>> launched) {
        JsonArray all = new JsonArray();
        for (List<ImageLaunches.Disk> disks : launched) {
            JsonArray documentsOfDisks = new JsonArray();
            for (ImageLaunches.Disk disk : disks) {
                String device = disk.mapping().deviceName();
                documentsOfDisks.add(new JsonObject()
                        .put("deviceName", device)
                        .put("root", device.equals(image.rootDeviceName()))
                        .put("deleteOnTermination", disk.mapping().deleteOnTermination())
                        .put("volume", documents.volume(disk.volume())));
            }
            all.add(new JsonObject().put("disks", documentsOfDisks));
        }
        return new JsonObject().put("launches", all);
    }
}
