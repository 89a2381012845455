package io.varve.api.control;

import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import io.varve.engine.VolumeId;

/** What may be promised to volumes for when the store as a whole is short. Thread-safe. */
final class VolumeShares {
    /** Of the store's operations; the rest is for those that were promised nothing. */
    private static final int MOST_PROMISED_PERCENT = 90;

    private final Ledger<VolumeId, VolumeEntry> volumes;
    private final QosLimits store;

    VolumeShares(ControlParts parts, QosLimits store) {
        volumes = parts.volumes();
        this.store = store;
    }

    /** Fails with INVALID_PARAMETER_VALUE or RESOURCE_LIMIT_EXCEEDED if that minimum cannot be kept. */
    void require(VolumeId id, QosShare share, VolumeLimits limits) {
        if (limits.iops() > 0 && share.minimumIops() > limits.iops()) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "minimumIops %d is more than the volume's own %d IOPS"
                            .formatted(share.minimumIops(), limits.iops()));
        }
        long most = store.iops() * MOST_PROMISED_PERCENT / 100;
        long others = volumes.all().stream()
                .filter(other -> !other.id().equals(id) && other.recycled().isEmpty())
                .mapToLong(other -> other.share().minimumIops())
                .sum();
        if (store.iops() > 0 && share.minimumIops() > 0 && others + share.minimumIops() > most) {
            throw new RequestException(
                    ErrorCode.RESOURCE_LIMIT_EXCEEDED,
                    "minimumIops %d is refused: other volumes are promised %d, and all together may be %d, which is %d %% of the store's %d IOPS"
                            .formatted(share.minimumIops(), others, most, MOST_PROMISED_PERCENT, store.iops()));
        }
    }
}
