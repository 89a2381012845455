package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.LISTING;
import static io.varve.api.aws.ec2.Ec2Action.changing;
import static io.varve.api.aws.ec2.Ec2Action.reading;

import io.varve.api.aws.Echo;
import io.varve.api.control.ControlPlane;
import io.varve.api.control.ImageId;
import io.varve.api.control.InstanceId;
import io.varve.api.control.Label;
import io.varve.api.control.LimitsChange;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.SnapshotChange;
import io.varve.api.control.Tags;
import io.varve.api.control.VolumeChange;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** Actions on the tags of volumes, snapshots, images and instances. */
final class TagActions {
    private static final int MOST_RESOURCES = 1000;
    private static final Listing TAGS = new Listing(Map.of());

    private final ControlPlane control;

    TagActions(ControlPlane control) {
        this.control = control;
    }

    List<Ec2Action> all() {
        return List.of(
                changing("CreateTags")
                        .done("ResourceId.N", "Tag.N.Key", "Tag.N.Value")
                        .note("A tag Name is a tag: it is not the name by which the native API and NBD know a volume.")
                        .by(request -> change(request, required(request.tags()))),
                changing("DeleteTags")
                        .done("ResourceId.N", "Tag.N.Key", "Tag.N.Value")
                        .note("A value is held against the tag's, so that another tag stays; without Tag all go.")
                        .by(request -> change(request, removal(request))),
                reading("DescribeTags").done(LISTING).by(this::describe));
    }

    private static UnaryOperator<Label> required(Map<String, Optional<String>> tags) {
        if (tags.isEmpty()) {
            throw new Ec2Exception("MissingParameter", "the request must contain the parameter Tag.1.Key");
        }
        return label -> label.tagged(tags);
    }

    private static UnaryOperator<Label> removal(Parameters request) {
        List<Parameters> tags = request.structures("Tag");
        request.tags(); // refuses what is no tag
        return label -> {
            Map<String, Optional<String>> gone = new HashMap<>();
            if (tags.isEmpty()) {
                label.tags().keySet().forEach(key -> gone.put(key, Optional.empty()));
            }
            for (Parameters tag : tags) {
                String key = tag.required("Key");
                String value = tag.values().get("Value");
                if (value == null || value.equals(label.tags().get(key))) {
                    gone.put(key, Optional.empty());
                }
            }
            return label.tagged(gone);
        };
    }

    /** Nothing is changed unless all resources are there. */
    private CompletableFuture<Reply> change(Parameters request, UnaryOperator<Label> label) {
        List<String> ids = request.list("ResourceId");
        if (ids.isEmpty() || ids.size() > MOST_RESOURCES) {
            throw new Ec2Exception(
                    ids.isEmpty() ? "MissingParameter" : "InvalidParameterValue",
                    "ResourceId.1 to ResourceId.%d are needed: there are %d".formatted(MOST_RESOURCES, ids.size()));
        }
        ids.forEach(this::require);
        CompletableFuture<?> done = CompletableFuture.completedFuture(ids);
        for (String id : ids) {
            done = done.thenCompose(before -> change(id, label));
        }
        return done.thenApply(all -> new Reply(xml -> xml.text("return", true), ids));
    }

    private void require(String id) {
        if (id.startsWith(VolumeId.PREFIX)) {
            control.volumes().describe(Parameters.volumeId(id));
        } else if (id.startsWith(SnapshotId.PREFIX)) {
            control.snapshots().describe(Parameters.snapshotId(id));
        } else if (id.startsWith(ImageId.PREFIX)) {
            control.images().describe(Parameters.imageId(id));
        } else if (id.startsWith(InstanceId.PREFIX)) {
            control.instances().describe(Parameters.instanceId(id));
        } else {
            throw new Ec2Exception(
                    "InvalidID", "%s is the id of no kind of resource that is here".formatted(Echo.quoted(id)));
        }
    }

    private CompletableFuture<?> change(String id, UnaryOperator<Label> label) {
        if (id.startsWith(VolumeId.PREFIX)) {
            return control.volumes()
                    .change(
                            Parameters.volumeId(id),
                            new VolumeChange(Optional.empty(), label, LimitsChange.NONE, Optional.empty()),
                            Precondition.NONE);
        }
        if (id.startsWith(SnapshotId.PREFIX)) {
            return control.snapshots()
                    .change(Parameters.snapshotId(id), new SnapshotChange(label, Optional.empty()), Precondition.NONE);
        }
        if (id.startsWith(ImageId.PREFIX)) {
            return control.images()
                    .change(
                            Parameters.imageId(id),
                            old -> old.with(
                                    label.apply(old.label()),
                                    old.description(),
                                    old.deprecatedAt(),
                                    old.deregistrationProtected()),
                            Precondition.NONE);
        }
        return control.instances().change(Parameters.instanceId(id), label);
    }

    private CompletableFuture<Reply> describe(Parameters request) {
        ListRequest.Page<Tags.Tag> page = TAGS.page(request, List.of(), control.tags()::list);
        return Reply.of(xml -> xml.set(
                        "tagSet",
                        page.items(),
                        (item, tag) -> item.text("resourceId", tag.resource())
                                .text("resourceType", tag.kind())
                                .text("key", tag.key())
                                .text("value", tag.value()))
                .text("nextToken", page.next()));
    }
}
