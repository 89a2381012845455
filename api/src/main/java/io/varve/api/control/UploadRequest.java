package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.vertx.core.json.JsonObject;
import java.util.Optional;

/**
 * What a snapshot that is sent block by block is to be.
 *
 * @param sizeGiB of the volume that it is of
 * @param parent the snapshot that it builds on; empty if it begins with nothing
 * @param description free text; empty for none
 * @param timeoutMinutes after how long without a block it fails
 */
public record UploadRequest(
        long sizeGiB,
        Optional<SnapshotId> parent,
        Label label,
        String description,
        int timeoutMinutes,
        Optional<String> clientToken) {
    /** The request without its token in one canonical form: equal requests have equal texts. */
    Optional<ClientToken> token() {
        JsonObject parameters = new JsonObject()
                .put("sizeGiB", sizeGiB)
                .put("parent", parent.map(SnapshotId::toString).orElse(null))
                .put("description", description)
                .put("timeoutMinutes", timeoutMinutes)
                .put("tags", label.tags());
        return clientToken.map(token -> new ClientToken(PREFIX + token, parameters.encode()));
    }

    /** Tokens of uploads are not those of other creations. */
    private static final String PREFIX = "upload ";
}
