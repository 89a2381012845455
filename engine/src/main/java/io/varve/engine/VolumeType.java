package io.varve.engine;

import io.varve.engine.ProvisioningException.Reason;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A kind of volume: what sizes and performance may be asked for, and what limits follow.
 *
 * @param name what people call it
 * @param sizeGiB how large it may be, in GiB
 * @param iops operations per second that may be asked for; empty if they follow from the rest
 * @param throughputMiBps MiB per second that may be asked for; empty if they follow from the rest
 * @param iopsPerMiBps so many operations per second are needed for each MiB per second; 0 for no such rule
 * @param law what follows
 */
public record VolumeType(
        String name,
        Range sizeGiB,
        Optional<Choice> iops,
        Optional<Choice> throughputMiBps,
        long iopsPerMiBps,
        Law law) {
    /** Of {@link Figures} and of {@link Choice#initial}: no limit. */
    public static final long UNLIMITED = 0;

    private static final String IOPS = "iops";
    private static final String THROUGHPUT = "throughputMiBps";

    /** From {@code least} to {@code most}, both included. */
    public record Range(long least, long most) {
        public Range {
            if (least <= 0 || most < least) {
                throw new IllegalArgumentException("a range from " + least + " to " + most);
            }
        }
    }

    /**
     * What may be asked for.
     *
     * @param range what may be asked for at most, whatever the size
     * @param initial what is given to who asks for nothing; empty if one has to ask
     * @param mayBeUnlimited no limit may be asked for
     * @param perGiB more than {@code anySize} needs a GiB for so many; 0 for no such rule
     * @param anySize what every size may have
     */
    public record Choice(Range range, OptionalLong initial, boolean mayBeUnlimited, long perGiB, long anySize) {
        /** A choice that does not depend on the size. */
        public static Choice of(long least, long most, long initial) {
            return new Choice(new Range(least, most), OptionalLong.of(initial), initial == UNLIMITED, 0, 0);
        }

        /** A choice that the size bounds. */
        public Choice perGiB(long each, long whateverSize) {
            return new Choice(range, initial, mayBeUnlimited, each, whateverSize);
        }

        /** A choice that has to be made. */
        public Choice required() {
            return new Choice(range, OptionalLong.empty(), mayBeUnlimited, perGiB, anySize);
        }
    }

    /**
     * The performance of one volume, as it is told to people; each {@link #UNLIMITED} or more.
     *
     * @param iops operations per second, bursts left out
     * @param throughputMiBps MiB per second, bursts left out
     */
    public record Figures(long iops, long throughputMiBps) {}

    /** What of the performance follows from what was asked for. */
    public interface Law {
        /** The figures; those that the type lets one choose come as they were chosen. */
        Figures figures(long sizeGiB, Figures chosen);

        /** The limits that hold them. */
        QosLimits limits(long sizeGiB, Figures figures);
    }

    /**
     * The performance of a volume.
     *
     * @param wantedIops empty for what the type gives
     * @param wantedMiBps empty for what the type gives
     * @throws ProvisioningException if the type does not offer that
     */
    public Figures provision(long volumeGiB, OptionalLong wantedIops, OptionalLong wantedMiBps) {
        check("sizeGiB", volumeGiB, sizeGiB, Reason.SIZE);
        long chosenIops = choose(IOPS, iops, wantedIops, volumeGiB);
        long chosenMiBps = choose(THROUGHPUT, throughputMiBps, wantedMiBps, volumeGiB);
        if (iopsPerMiBps > 0 && chosenIops > 0 && chosenMiBps > chosenIops / iopsPerMiBps) {
            throw new ProvisioningException(
                    Reason.VALUE,
                    THROUGHPUT,
                    "throughputMiBps %d is too much for %d IOPS: a volume of type %s has at most 1 MiB/s for each %d IOPS"
                            .formatted(chosenMiBps, chosenIops, name, iopsPerMiBps));
        }
        return law.figures(volumeGiB, new Figures(chosenIops, chosenMiBps));
    }

    /** The limits that hold a volume to figures that {@link #provision} gave. */
    public QosLimits limits(long volumeGiB, Figures figures) {
        return law.limits(volumeGiB, figures);
    }

    private long choose(String field, Optional<Choice> offered, OptionalLong wanted, long volumeGiB) {
        if (offered.isEmpty()) {
            if (wanted.isPresent()) {
                throw new ProvisioningException(
                        Reason.NOT_OFFERED, field, "%s is not to be chosen for type %s".formatted(field, name));
            }
            return UNLIMITED;
        }
        Choice choice = offered.get();
        long value = wanted.orElseGet(() -> choice.initial()
                .orElseThrow(() -> new ProvisioningException(
                        Reason.MISSING, field, "%s is needed for type %s".formatted(field, name))));
        if (value == UNLIMITED && choice.mayBeUnlimited()) {
            return UNLIMITED;
        }
        if (value == UNLIMITED) {
            throw new ProvisioningException(
                    Reason.VALUE,
                    field,
                    "%s unlimited is refused: a volume of type %s has from %d to %d"
                            .formatted(
                                    field,
                                    name,
                                    choice.range().least(),
                                    choice.range().most()));
        }
        check(field, value, choice.range(), Reason.VALUE);
        if (choice.perGiB() > 0 && value > Math.max(choice.anySize(), volumeGiB * choice.perGiB())) {
            throw new ProvisioningException(
                    Reason.VALUE,
                    field,
                    "%s %d is too much for %d GiB: a volume of type %s has at most %d for each GiB"
                            .formatted(field, value, volumeGiB, name, choice.perGiB()));
        }
        return value;
    }

    private void check(String field, long value, Range range, Reason reason) {
        if (value < range.least() || value > range.most()) {
            throw new ProvisioningException(
                    reason,
                    field,
                    "%s %d is refused: a volume of type %s has from %d to %d"
                            .formatted(field, value, name, range.least(), range.most()));
        }
    }
}
