package io.varve.api.control;

import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonObject;
import java.util.Optional;

/**
 * What somebody wants a snapshot of.
 *
 * @param description free text; empty for none
 */
public record SnapshotRequest(VolumeId of, Label label, String description, Optional<String> clientToken) {
    /** The request without its token in one canonical form: equal requests have equal texts. */
    Optional<ClientToken> token() {
        JsonObject parameters = new JsonObject()
                .put("volumeId", of.toString())
                .put("description", description)
                .put("name", label.name().orElse(null))
                .put("tags", label.tags());
        return clientToken.map(token -> new ClientToken(token, parameters.encode()));
    }
}
