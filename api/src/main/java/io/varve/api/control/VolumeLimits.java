package io.varve.api.control;

import io.varve.engine.QosLimits;
import io.varve.engine.VolumeType;
import io.varve.engine.VolumeTypes;
import java.util.OptionalLong;

/**
 * The type of a volume and its figures in the units of the API: as they were asked for, until {@link #provisioned} has
 * made of them what the type gives.
 *
 * @param volumeType one of {@link VolumeTypes}
 * @param iops operations per second; 0 if none were asked for, or for no limit
 * @param throughputMiBps MiB per second; 0 if none were asked for, or for no limit
 */
public record VolumeLimits(String volumeType, int iops, int throughputMiBps) {
    /** The type that has no limits but those asked for. */
    public static final String LOCAL = VolumeTypes.LOCAL;

    public static final VolumeLimits NONE = new VolumeLimits(LOCAL, 0, 0);

    /**
     * What a volume of that size is given.
     *
     * @throws io.varve.engine.ProvisioningException if the type does not offer that
     */
    VolumeLimits provisioned(long sizeGiB) {
        VolumeType.Figures given =
                VolumeTypes.BUILT_IN.get(volumeType).provision(sizeGiB, asked(iops), asked(throughputMiBps));
        return new VolumeLimits(volumeType, Math.toIntExact(given.iops()), Math.toIntExact(given.throughputMiBps()));
    }

    private static OptionalLong asked(int figure) {
        return figure == 0 ? OptionalLong.empty() : OptionalLong.of(figure);
    }

    /** What of the figures was somebody's choice: the others follow from the size. */
    public VolumeLimits chosen() {
        return VolumeTypes.BUILT_IN
                .find(volumeType)
                .map(type -> new VolumeLimits(
                        volumeType,
                        type.iops().isPresent() ? iops : 0,
                        type.throughputMiBps().isPresent() ? throughputMiBps : 0))
                .orElse(this);
    }

    /** What is asked for by who only names another type. */
    public static VolumeLimits changedTo(String newType) {
        boolean needsIops = VolumeTypes.BUILT_IN
                .find(newType)
                .flatMap(VolumeType::iops)
                .filter(choice -> choice.initial().isEmpty())
                .isPresent();
        return new VolumeLimits(newType, needsIops ? VolumeTypes.IOPS_AFTER_CHANGE : 0, 0);
    }

    QosLimits qos(long sizeGiB) {
        return VolumeTypes.BUILT_IN
                .find(volumeType)
                .map(type -> type.limits(sizeGiB, new VolumeType.Figures(iops, throughputMiBps)))
                .orElseGet(() -> new QosLimits(iops, (long) throughputMiBps << 20));
    }
}
