package io.varve.api.control;

import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Optional;
import java.util.Set;

/**
 * What is asked for when snapshots of several volumes are taken at one instant.
 *
 * @param of the volumes, in the order in which their snapshots are answered
 * @param label what each snapshot is called
 * @param copyTags whether each gets the tags of its volume too, where {@code label} has no such tag
 * @param description why they are taken
 * @param clientToken makes the request repeatable
 */
public record SnapshotGroupRequest(
        Set<VolumeId> of, Label label, boolean copyTags, String description, Optional<String> clientToken) {
    /** A request for snapshots without the tags of their volumes. */
    public SnapshotGroupRequest(Set<VolumeId> of, Label label, String description, Optional<String> clientToken) {
        this(of, label, false, description, clientToken);
    }

    /** What the snapshot of {@code volume} is called. Fails with TAG_LIMIT_EXCEEDED. */
    Label label(VolumeEntry volume) {
        return copyTags ? label.over(volume.label().tags()) : label;
    }

    /**
     * What marks a member of the group as made by this request. No client can send such a token for a single snapshot:
     * it has spaces.
     *
     * @param member counted from 0 in the order of the volumes
     */
    Optional<ClientToken> token(int member) {
        JsonObject parameters = new JsonObject()
                .put(
                        "volumeIds",
                        new JsonArray(of.stream().map(VolumeId::toString).toList()))
                .put("description", description)
                .put("name", label.name().orElse(null))
                .put("tags", label.tags());
        if (copyTags) {
            parameters.put("copyTags", true); // tokens of earlier versions stay what they were
        }
        return clientToken.map(token -> new ClientToken("group " + member + " " + token, parameters.encode()));
    }
}
