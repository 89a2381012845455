package io.varve.api.control;

import io.varve.engine.SnapshotId;
import java.util.Optional;

/**
 * What people say about a snapshot. Its size, its volume and whether it exists at all are the engine's.
 *
 * @param phase how far its creation or deletion has come
 * @param label its name and tags
 * @param description free text; empty for none
 * @param clientToken the token that it was created with
 */
public record SnapshotEntry(
        SnapshotId id, Phase phase, Label label, String description, Optional<ClientToken> clientToken)
        implements Entry<SnapshotId> {
    @Override
    public String state() {
        return switch (phase) {
            case CREATING -> "pending";
            case READY -> "completed";
            case DELETING -> "deleting";
        };
    }

    SnapshotEntry with(Phase newPhase) {
        return new SnapshotEntry(id, newPhase, label, description, clientToken);
    }

    SnapshotEntry with(Label newLabel, String newDescription) {
        return new SnapshotEntry(id, phase, newLabel, newDescription, clientToken);
    }
}
