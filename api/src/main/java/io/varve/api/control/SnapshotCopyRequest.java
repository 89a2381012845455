package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.vertx.core.json.JsonObject;
import java.util.Optional;

/**
 * What somebody wants a copy of a snapshot to be.
 *
 * @param description free text; empty for none
 */
public record SnapshotCopyRequest(SnapshotId of, Label label, String description, Optional<String> clientToken) {
    /** The request without its token in one canonical form: equal requests have equal texts. */
    Optional<ClientToken> token() {
        JsonObject parameters = new JsonObject()
                .put("sourceSnapshotId", of.toString())
                .put("description", description)
                .put("name", label.name().orElse(null))
                .put("tags", label.tags());
        return clientToken.map(token -> new ClientToken(token, parameters.encode()));
    }
}
