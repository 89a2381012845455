package io.varve.api.control;

import io.varve.engine.Compression;
import io.varve.engine.QosShare;
import io.varve.engine.VolumeTypes;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A change of a volume: all of it happens or nothing.
 *
 * @param sizeGiB the size to grow to; empty to leave it
 * @param label makes the new name and tags of the old
 * @param limits another type or other figures
 * @param share makes the new share of the old
 * @param multiAttach whether several instances may have it at once; empty to leave it
 * @param compression what of it is stored compressed from now on; empty to leave it
 */
public record VolumeChange(
        Optional<Integer> sizeGiB,
        UnaryOperator<Label> label,
        LimitsChange limits,
        UnaryOperator<QosShare> share,
        Optional<Boolean> multiAttach,
        Optional<Compression> compression) {
    /** A change that leaves the share, and who may have it. */
    public VolumeChange(
            Optional<Integer> sizeGiB,
            UnaryOperator<Label> label,
            LimitsChange limits,
            Optional<Compression> compression) {
        this(sizeGiB, label, limits, share -> share, Optional.empty(), compression);
    }

    /** True if it asks for a size, or for another type, other figures or another Multi-Attach than the volume has. */
    boolean modifies(VolumeEntry volume, VolumeTypes types) {
        return sizeGiB.isPresent()
                || multiAttach.filter(wanted -> wanted != volume.multiAttach()).isPresent()
                || !limits.apply(volume.limits(), types).equals(volume.limits().chosen(types));
    }
}
