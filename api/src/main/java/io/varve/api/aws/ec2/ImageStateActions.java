package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.control.ImageEntry;
import io.varve.api.control.ImageId;
import io.varve.api.control.Images;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** What may be done with an image and until when, and images in the recycle bin. */
final class ImageStateActions {
    private static final Listing IMAGES = new Listing(Map.of());

    private final Images images;

    ImageStateActions(Images images) {
        this.images = images;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("EnableImageDeprecation")
                        .done("ImageId", "DeprecateAt")
                        .by(request -> deprecate(request, Optional.of(deprecation(request)))),
                changing("DisableImageDeprecation").done("ImageId").by(request -> deprecate(request, Optional.empty())),
                changing("EnableImageDeregistrationProtection")
                        .done("ImageId")
                        .refused("protection ends when it is taken off", "WithCooldown")
                        .by(request -> protect(request, true)),
                changing("DisableImageDeregistrationProtection").done("ImageId").by(request -> protect(request, false)),
                changing("EnableImage").done("ImageId").by(request -> change(request, old -> old.disabled(false))),
                changing("DisableImage")
                        .done("ImageId")
                        .note("Nobody can launch or copy it, with InvalidAMIID.Unavailable.")
                        .by(request -> change(request, old -> old.disabled(true))),
                reading("ListImagesInRecycleBin")
                        .done("ImageId.N", "MaxResults", "NextToken")
                        .by(this::recycled),
                changing("RestoreImageFromRecycleBin")
                        .done("ImageId")
                        .by(request ->
                                images.restore(request.image("ImageId")).thenApply(back -> Reply.done(back.id()))));
    }

    private static Instant deprecation(Parameters request) {
        return request.time("DeprecateAt")
                .orElseThrow(() ->
                        new Ec2Exception("MissingParameter", "the request must contain the parameter DeprecateAt"));
    }

    private CompletableFuture<Reply> deprecate(Parameters request, Optional<Instant> at) {
        return change(request, old -> old.with(old.label(), old.description(), at, old.deregistrationProtected()));
    }

    private CompletableFuture<Reply> protect(Parameters request, boolean protect) {
        return change(request, old -> old.with(old.label(), old.description(), old.deprecatedAt(), protect));
    }

    private CompletableFuture<Reply> change(Parameters request, UnaryOperator<ImageEntry> change) {
        ImageId id = request.image("ImageId");
        return images.change(id, change, Precondition.NONE).thenApply(changed -> Reply.done(id));
    }

    private CompletableFuture<Reply> recycled(Parameters request) {
        List<ImageId> ids =
                request.list("ImageId").stream().map(Parameters::imageId).toList();
        ListRequest.Page<ImageEntry> page = IMAGES.page(request, ids, images::listRecycled);
        return Reply.of(xml ->
                xml.set("imageSet", page.items(), ImageStateActions::recycled).text("nextToken", page.next()));
    }

    private static void recycled(Ec2Xml xml, ImageEntry image) {
        xml.text("imageId", image.id()).text("name", image.label().name()).text("description", image.description());
        image.recycled()
                .ifPresent(bin -> xml.text("recycleBinEnterTime", bin.since()).text("recycleBinExitTime", bin.until()));
    }
}
