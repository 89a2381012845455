package io.varve.api.control;

import io.varve.engine.QosLimits;
import io.varve.engine.VolumeType;
import io.varve.engine.VolumeTypes;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The type of a volume and its figures in the units of the API: as they were asked for, until {@link #provisioned} has
 * made of them what the type gives.
 *
 * @param volumeType one of the store's {@link VolumeTypes}
 * @param iops operations per second. Asked for: 0 for what the type gives, {@link #UNLIMITED} for no limit. Given: 0
 *     for no limit
 * @param throughputMiBps MiB per second; likewise
 */
public record VolumeLimits(String volumeType, int iops, int throughputMiBps) {
    /** The type that has no limits but those asked for. */
    public static final String LOCAL = VolumeTypes.LOCAL;

    /** Asks for no limit. */
    public static final int UNLIMITED = -1;

    public static final VolumeLimits NONE = new VolumeLimits(LOCAL, 0, 0);

    /**
     * What a volume of that size is given.
     *
     * @throws io.varve.engine.ProvisioningException if the type does not offer that
     */
    VolumeLimits provisioned(VolumeTypes types, long sizeGiB) {
        VolumeType.Figures given = types.get(volumeType).provision(sizeGiB, asked(iops), asked(throughputMiBps));
        return new VolumeLimits(volumeType, Math.toIntExact(given.iops()), Math.toIntExact(given.throughputMiBps()));
    }

    private static OptionalLong asked(int figure) {
        return switch (figure) {
            case 0 -> OptionalLong.empty();
            case UNLIMITED -> OptionalLong.of(VolumeType.UNLIMITED);
            default -> OptionalLong.of(figure);
        };
    }

    /** What of the figures that were given is to be asked for to have them again: the others follow from the size. */
    VolumeLimits chosen(VolumeTypes types) {
        return types.find(volumeType)
                .map(type -> new VolumeLimits(
                        volumeType, chosen(type.iops(), iops), chosen(type.throughputMiBps(), throughputMiBps)))
                .orElse(this);
    }

    private static int chosen(Optional<VolumeType.Choice> offered, int given) {
        if (offered.isEmpty()) {
            return 0;
        }
        boolean unlimitedUnasked = offered.get().initial().orElse(given) == VolumeType.UNLIMITED;
        return given == 0 && !unlimitedUnasked ? UNLIMITED : given;
    }

    /** What is asked for by who only names another type. */
    static VolumeLimits changedTo(String newType, VolumeTypes types) {
        boolean needsIops = types.find(newType)
                .flatMap(VolumeType::iops)
                .filter(choice -> choice.initial().isEmpty())
                .isPresent();
        return new VolumeLimits(newType, needsIops ? VolumeTypes.IOPS_AFTER_CHANGE : 0, 0);
    }

    QosLimits qos(VolumeTypes types, long sizeGiB) {
        return types.find(volumeType)
                .map(type -> type.limits(sizeGiB, new VolumeType.Figures(iops, throughputMiBps)))
                .orElseGet(() -> new QosLimits(iops, (long) throughputMiBps << 20));
    }
}
