package io.varve.api.control;

import io.varve.engine.QosLimits;
import io.varve.engine.VolumeTypes;

/**
 * What an operator may choose about the control plane.
 *
 * @param volumeTypes what volumes there may be
 * @param modificationsPerDay how often the size and performance of a volume may be changed in 24 hours, from 1 to
 *     {@link #MOST_MODIFICATIONS_PER_DAY}; 0 for as often as one likes
 * @param storeLimits what all volumes together are held to
 */
public record ControlSettings(VolumeTypes volumeTypes, int modificationsPerDay, QosLimits storeLimits) {
    /** More are not remembered. */
    public static final int MOST_MODIFICATIONS_PER_DAY = VolumeModifications.KEPT;

    /** As EBS has it. */
    public static final ControlSettings DEFAULT = new ControlSettings(VolumeTypes.BUILT_IN, 4, QosLimits.UNLIMITED);

    public ControlSettings {
        if (modificationsPerDay < 0 || modificationsPerDay > MOST_MODIFICATIONS_PER_DAY) {
            throw new IllegalArgumentException("modificationsPerDay=" + modificationsPerDay);
        }
    }
}
