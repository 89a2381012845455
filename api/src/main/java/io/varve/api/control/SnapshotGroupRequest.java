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
 * @param description why they are taken
 * @param clientToken makes the request repeatable
 */
public record SnapshotGroupRequest(Set<VolumeId> of, Label label, String description, Optional<String> clientToken) {
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
        return clientToken.map(token -> new ClientToken("group " + member + " " + token, parameters.encode()));
    }
}
