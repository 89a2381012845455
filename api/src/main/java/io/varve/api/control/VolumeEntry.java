package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.util.Optional;

/**
 * What people say about a volume. Its size, its origin and whether it exists at all are the engine's.
 *
 * @param phase how far its creation or deletion has come
 * @param label its name and tags
 * @param limits how fast it may go
 * @param growingToBytes the size that a change under way gives it; 0 if there is none
 * @param clientToken the token that it was created with
 */
public record VolumeEntry(
        VolumeId id,
        Phase phase,
        Label label,
        VolumeLimits limits,
        long growingToBytes,
        Optional<ClientToken> clientToken)
        implements Entry<VolumeId> {

    @Override
    public String state() {
        return switch (phase) {
            case CREATING -> "creating";
            case READY -> "available";
            case DELETING -> "deleting";
        };
    }

    VolumeEntry with(Phase newPhase) {
        return new VolumeEntry(id, newPhase, label, limits, growingToBytes, clientToken);
    }

    VolumeEntry with(Label newLabel, VolumeLimits newLimits, long newGrowingToBytes) {
        return new VolumeEntry(id, phase, newLabel, newLimits, newGrowingToBytes, clientToken);
    }

    VolumeEntry grown() {
        return with(label, limits, 0);
    }
}
