package io.varve.engine;

import io.varve.engine.QosLimits.Burst;
import io.varve.engine.QosLimits.Resource;
import io.varve.engine.VolumeType.Choice;
import io.varve.engine.VolumeType.Figures;
import io.varve.engine.VolumeType.Law;
import io.varve.engine.VolumeType.Range;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * The volume types of a store: {@link #LOCAL}, those of EBS as of its API model of 2026, and what the store's owner
 * defines besides. Immutable.
 */
public final class VolumeTypes {
    /** The native type and default: no limits but those asked for, which are changed as often as one likes. */
    public static final String LOCAL = "local";

    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;
    private static final int GIB_SHIFT = 30;
    private static final int SSD_UNIT_BYTES = 256 * KIB;
    private static final int HDD_UNIT_BYTES = MIB;
    private static final long GP2_BURST_IOPS = 3_000;
    private static final long GP2_CREDITS = 5_400_000;

    /** What EBS gives to who changes a volume's type to io1, io2 or gp3 and names no IOPS. */
    public static final int IOPS_AFTER_CHANGE = 3_000;

    /** The built-in types and no others. */
    public static final VolumeTypes BUILT_IN = new VolumeTypes(List.of(
            local(), gp2(), gp3(), io1(), io2(), hdd("st1", 40, 250, 500), hdd("sc1", 12, 80, 250), standard()));

    private final Map<String, VolumeType> byName;

    private VolumeTypes(Collection<VolumeType> types) {
        Map<String, VolumeType> all = new LinkedHashMap<>();
        types.forEach(type -> {
            if (all.put(type.name(), type) != null) {
                throw new IllegalArgumentException("there are two volume types " + type.name());
            }
        });
        byName = Collections.unmodifiableMap(all);
    }

    /**
     * These and more.
     *
     * @throws IllegalArgumentException if a name is there already
     */
    public VolumeTypes and(Collection<VolumeType> more) {
        return new VolumeTypes(
                Stream.concat(byName.values().stream(), more.stream()).toList());
    }

    /** All types, {@link #LOCAL} first. */
    public Collection<VolumeType> all() {
        return byName.values();
    }

    /** The type of that name. Fails with a {@link ProvisioningException}. */
    public VolumeType get(String name) {
        return find(name)
                .orElseThrow(() -> new ProvisioningException(
                        ProvisioningException.Reason.UNKNOWN_TYPE,
                        "volumeType",
                        "there is no volumeType %s; there are %s".formatted(name, String.join(", ", byName.keySet()))));
    }

    public Optional<VolumeType> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /**
     * A type whose volumes get what is asked for, and save nothing.
     *
     * @param ioUnitBytes what one operation may move; 0 to count requests as they come
     */
    public static VolumeType asAskedFor(
            String name, Range sizeGiB, Choice iops, Choice throughputMiBps, int ioUnitBytes) {
        return new VolumeType(
                name,
                sizeGiB,
                Optional.of(iops),
                Optional.of(throughputMiBps),
                0,
                steady(ioUnitBytes, chosen -> chosen));
    }

    private static VolumeType local() {
        return asAskedFor(
                LOCAL,
                new Range(1, 65_536),
                Choice.of(1, 10_000_000, VolumeType.UNLIMITED),
                Choice.of(1, 1_000_000, VolumeType.UNLIMITED),
                0);
    }

    private static VolumeType gp3() {
        return new VolumeType(
                "gp3",
                new Range(1, 65_536),
                Optional.of(Choice.of(3_000, 80_000, 3_000).perGiB(500, 3_000)),
                Optional.of(Choice.of(125, 2_000, 125)),
                4,
                steady(SSD_UNIT_BYTES, chosen -> chosen));
    }

    private static VolumeType io1() {
        return provisionedIops(
                "io1",
                new Range(4, 16_384),
                Choice.of(100, 64_000, 100).required().perGiB(50, 100),
                iops -> iops <= 32_000 ? Math.min(500, iops / 4) : Math.min(1_000, iops / 64));
    }

    private static VolumeType io2() {
        return provisionedIops(
                "io2",
                new Range(4, 65_536),
                Choice.of(100, 256_000, 100).required().perGiB(1_000, 100),
                iops -> Math.min(4_000, iops * 256 / 1_000));
    }

    private static VolumeType provisionedIops(
            String name, Range sizeGiB, Choice iops, LongUnaryOperator throughputMiBps) {
        return new VolumeType(
                name,
                sizeGiB,
                Optional.of(iops),
                Optional.empty(),
                0,
                steady(
                        SSD_UNIT_BYTES,
                        chosen -> new Figures(chosen.iops(), throughputMiBps.applyAsLong(chosen.iops()))));
    }

    private static VolumeType standard() {
        Figures figures = new Figures(100, 90);
        return new VolumeType(
                "standard",
                new Range(1, 1_024),
                Optional.empty(),
                Optional.empty(),
                0,
                steady(SSD_UNIT_BYTES, chosen -> figures));
    }

    private static Law steady(int ioUnitBytes, UnaryOperator<Figures> figures) {
        return new Law() {
            @Override
            public Figures figures(long sizeGiB, Figures chosen) {
                return figures.apply(chosen);
            }

            @Override
            public QosLimits limits(long sizeGiB, Figures held) {
                return new QosLimits(held.iops(), held.throughputMiBps() * MIB, ioUnitBytes, Optional.empty());
            }
        };
    }

    /**
     * 3 IOPS for each GiB, and credits to reach 3,000 for a while. That volumes from 170 to 334 GiB reach 250 MiB/s
     * only with credits needs no rule: without, they have not the IOPS, of 256 KiB each, to do so.
     */
    private static VolumeType gp2() {
        Law law = new Law() {
            @Override
            public Figures figures(long sizeGiB, Figures chosen) {
                return new Figures(Math.max(100, Math.min(16_000, 3 * sizeGiB)), sizeGiB <= 170 ? 128 : 250);
            }

            @Override
            public QosLimits limits(long sizeGiB, Figures held) {
                boolean bursts = held.iops() < GP2_BURST_IOPS;
                return new QosLimits(
                        Math.max(held.iops(), GP2_BURST_IOPS),
                        held.throughputMiBps() * MIB,
                        SSD_UNIT_BYTES,
                        bursts
                                ? Optional.of(new Burst(Resource.OPERATIONS, held.iops(), GP2_CREDITS))
                                : Optional.empty());
            }
        };
        return new VolumeType("gp2", new Range(1, 16_384), Optional.empty(), Optional.empty(), 0, law);
    }

    /** Throughput by the size, and credits of one TiB for each TiB to go faster for a while. */
    private static VolumeType hdd(String name, long baseMiBpsPerTiB, long burstMiBpsPerTiB, long mostMiBps) {
        Law law = new Law() {
            @Override
            public Figures figures(long sizeGiB, Figures chosen) {
                return new Figures(VolumeType.UNLIMITED, Math.min(mostMiBps, sizeGiB * baseMiBpsPerTiB / 1_024));
            }

            @Override
            public QosLimits limits(long sizeGiB, Figures held) {
                long base = bytesPerSecond(sizeGiB, baseMiBpsPerTiB);
                return new QosLimits(
                        0,
                        bytesPerSecond(sizeGiB, burstMiBpsPerTiB),
                        HDD_UNIT_BYTES,
                        Optional.of(new Burst(Resource.BYTES, base, sizeGiB << GIB_SHIFT)));
            }

            private long bytesPerSecond(long sizeGiB, long miBpsPerTiB) {
                return Math.min(mostMiBps * MIB, sizeGiB * miBpsPerTiB * KIB);
            }
        };
        return new VolumeType(name, new Range(125, 16_384), Optional.empty(), Optional.empty(), 0, law);
    }
}
