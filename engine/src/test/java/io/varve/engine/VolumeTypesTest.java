package io.varve.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.varve.engine.ProvisioningException.Reason;
import io.varve.engine.VolumeType.Choice;
import io.varve.engine.VolumeType.Range;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What can be asked for of each type, and what one gets. */
class VolumeTypesTest {
    private static final long MIB = 1 << 20;

    @ParameterizedTest(name = "{0} of {1} GiB, asked for {2} IOPS and {3} MiB/s")
    @CsvSource({
        "gp2,      1,     ,      , 100,    128",
        "gp2,      33,    ,      , 100,    128",
        "gp2,      170,   ,      , 510,    128",
        "gp2,      171,   ,      , 513,    250",
        "gp2,      1000,  ,      , 3000,   250",
        "gp2,      16384, ,      , 16000,  250",
        "gp3,      1,     ,      , 3000,   125",
        "gp3,      65536, 80000, 2000, 80000, 2000",
        "gp3,      160,   80000, , 80000,  125",
        "gp3,      10,    4000,  1000, 4000, 1000",
        "io1,      4,     200,   , 200,    50",
        "io1,      640,   32000, , 32000,  500",
        "io1,      16384, 64000, , 64000,  1000",
        "io2,      4,     4000,  , 4000,   1024",
        "io2,      256,   256000,, 256000, 4000",
        "st1,      1024,  ,      , 0,      40",
        "st1,      16384, ,      , 0,      500",
        "sc1,      16384, ,      , 0,      192",
        "standard, 1024,  ,      , 100,    90",
        "local,    1,     ,      , 0,      0",
        "local,    65536, 7,     9, 7,     9",
    })
    void whatIsAskedForWithinTheRulesIsGiven(
            String type, long sizeGiB, @Nullable Long iops, @Nullable Long mibps, long givenIops, long givenMiBps) {
        assertThat(provision(type, sizeGiB, iops, mibps)).isEqualTo(new VolumeType.Figures(givenIops, givenMiBps));
    }

    @ParameterizedTest(name = "{0} of {1} GiB, asked for {2} IOPS and {3} MiB/s: {4} is refused")
    @CsvSource({
        "gp2,      16385, ,       ,     sizeGiB,         SIZE,        16384",
        "gp2,      10,    100,    ,     iops,            NOT_OFFERED, gp2",
        "gp2,      10,    ,       128,  throughputMiBps, NOT_OFFERED, gp2",
        "gp3,      65537, ,       ,     sizeGiB,         SIZE,        65536",
        "gp3,      100,   2999,   ,     iops,            VALUE,       3000",
        "gp3,      100,   80001,  ,     iops,            VALUE,       80000",
        "gp3,      7,     3501,   ,     iops,            VALUE,       500",
        "gp3,      100,   ,       124,  throughputMiBps, VALUE,       125",
        "gp3,      100,   10000,  2001, throughputMiBps, VALUE,       2000",
        "gp3,      100,   3000,   751,  throughputMiBps, VALUE,       4",
        "gp3,      100,   0,      ,     iops,            VALUE,       3000",
        "io1,      3,     100,    ,     sizeGiB,         SIZE,        4",
        "io1,      10,    ,       ,     iops,            MISSING,     io1",
        "io1,      10,    501,    ,     iops,            VALUE,       50",
        "io1,      10,    100,    100,  throughputMiBps, NOT_OFFERED, io1",
        "io1,      16384, 64001,  ,     iops,            VALUE,       64000",
        "io2,      10,    10001,  ,     iops,            VALUE,       1000",
        "io2,      65536, 256001, ,     iops,            VALUE,       256000",
        "st1,      124,   ,       ,     sizeGiB,         SIZE,        125",
        "st1,      125,   100,    ,     iops,            NOT_OFFERED, st1",
        "sc1,      16385, ,       ,     sizeGiB,         SIZE,        16384",
        "standard, 1025,  ,       ,     sizeGiB,         SIZE,        1024",
        "local,    1,     10000001,,    iops,            VALUE,       10000000",
    })
    void whatATypeDoesNotOfferIsRefusedByFieldAndLimit(
            String type,
            long sizeGiB,
            @Nullable Long iops,
            @Nullable Long mibps,
            String field,
            Reason reason,
            String limit) {
        ProvisioningException refusal =
                catchThrowableOfType(ProvisioningException.class, () -> provision(type, sizeGiB, iops, mibps));
        assertThat(refusal.field()).isEqualTo(field);
        assertThat(refusal.reason()).isEqualTo(reason);
        assertThat(refusal).hasMessageContaining(field).hasMessageContaining(limit);
    }

    @ParameterizedTest(name = "{0} of {1} GiB: base {2}, burst {3} bytes per second")
    @CsvSource({
        "st1, 1024,  41943040,  262144000", "st1, 2048, 83886080, 524288000", "st1, 12800, 524288000, 524288000",
        "st1, 125,   5120000,   32000000", "sc1, 1024, 12582912, 83886080", "sc1, 3200, 39321600, 262144000",
        "sc1, 16384, 201326592, 262144000",
    })
    void disksGoByTheirSizeAndSaveATerabyteForEach(String type, long sizeGiB, long base, long burst) {
        VolumeType disk = VolumeTypes.BUILT_IN.get(type);
        QosLimits limits = disk.limits(sizeGiB, provision(type, sizeGiB, null, null));
        assertThat(limits.bytesPerSecond()).isEqualTo(burst);
        assertThat(limits.burst()).contains(new QosLimits.Burst(QosLimits.Resource.BYTES, base, sizeGiB << 30));
    }

    @Test
    void anUnknownTypeIsRefusedWithThoseThatThereAre() {
        assertThatThrownBy(() -> VolumeTypes.BUILT_IN.get("gp4"))
                .isInstanceOf(ProvisioningException.class)
                .hasMessageContaining("gp4")
                .hasMessageContaining("local, gp2, gp3, io1, io2, st1, sc1, standard");
    }

    @Test
    void aStoreMayDefineMoreTypes() {
        VolumeType fast = VolumeTypes.asAskedFor(
                "fast",
                new Range(1, 100),
                Choice.of(10, 100, 50).perGiB(5, 10),
                Choice.of(1, 9, VolumeType.UNLIMITED),
                4096);
        VolumeTypes types = VolumeTypes.BUILT_IN.and(List.of(fast));
        assertThat(types.get("fast").provision(10, OptionalLong.empty(), OptionalLong.of(9)))
                .isEqualTo(new VolumeType.Figures(50, 9));
        assertThat(fast.limits(10, new VolumeType.Figures(50, 9)).bytesPerSecond())
                .isEqualTo(9 * MIB);
        assertThatThrownBy(() -> types.and(List.of(fast))).hasMessageContaining("fast");
    }

    private static VolumeType.Figures provision(String type, long sizeGiB, @Nullable Long iops, @Nullable Long mibps) {
        return VolumeTypes.BUILT_IN.get(type).provision(sizeGiB, optional(iops), optional(mibps));
    }

    private static OptionalLong optional(@Nullable Long value) {
        return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    }
}
