package io.varve.api.control;

import java.util.Optional;
import java.util.Set;

/** EBS's rules about volumes that several instances may have at once. */
final class MultiAttach {
    private static final String FIXED = "io1";
    private static final Set<String> TYPES = Set.of(FIXED, "io2");

    private MultiAttach() {}

    /** Fails with INVALID_PARAMETER_COMBINATION if it is wanted of a type that does not offer it. */
    static void require(boolean wanted, VolumeLimits limits) {
        if (wanted && !TYPES.contains(limits.volumeType())) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION,
                    "multiAttachEnabled is not supported for %s volumes: only for io1 and io2"
                            .formatted(limits.volumeType()));
        }
    }

    /**
     * What a volume has after a change. Fails with INVALID_PARAMETER_COMBINATION if its type does not offer it,
     * UNSUPPORTED_OPERATION for an io1 volume, which has it from the beginning or never, and VOLUME_IN_USE if it is to
     * end while several instances have the volume.
     *
     * @param wanted empty to leave it
     * @param limits with the type that the volume will have
     * @param instances how many have it
     */
    static boolean changed(VolumeEntry old, Optional<Boolean> wanted, VolumeLimits limits, int instances) {
        boolean multiAttach = wanted.orElse(old.multiAttach());
        require(multiAttach, limits);
        if (multiAttach != old.multiAttach() && old.limits().volumeType().equals(FIXED)) {
            throw new RequestException(
                    ErrorCode.UNSUPPORTED_OPERATION,
                    "multiAttachEnabled of volume %s cannot be changed: that of an io1 volume is chosen when it is created"
                            .formatted(old.id()));
        }
        if (old.multiAttach() && !multiAttach && instances > 1) {
            throw new RequestException(
                    ErrorCode.VOLUME_IN_USE,
                    "volume %s is attached to %d instances: detach all but one before multiAttachEnabled becomes false"
                            .formatted(old.id(), instances));
        }
        return multiAttach;
    }
}
