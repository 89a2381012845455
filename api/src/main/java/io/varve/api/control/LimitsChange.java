package io.varve.api.control;

import io.varve.engine.VolumeTypes;
import java.util.Optional;

/**
 * What is to be changed of a volume's {@link VolumeLimits}: another type begins with its own figures, the same one
 * keeps those that were chosen. What is empty is not asked for; 0 asks for what the type gives,
 * {@link VolumeLimits#UNLIMITED} for no limit.
 */
public record LimitsChange(Optional<String> volumeType, Optional<Integer> iops, Optional<Integer> throughputMiBps) {
    public static final LimitsChange NONE = new LimitsChange(Optional.empty(), Optional.empty(), Optional.empty());

    /** What is asked for of a volume that has {@code old}. */
    public VolumeLimits apply(VolumeLimits old, VolumeTypes types) {
        String type = volumeType.orElse(old.volumeType());
        VolumeLimits asked = type.equals(old.volumeType()) ? old.chosen(types) : VolumeLimits.changedTo(type, types);
        return new VolumeLimits(type, iops.orElse(asked.iops()), throughputMiBps.orElse(asked.throughputMiBps()));
    }
}
