package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.QosLimits.Burst;
import io.varve.engine.QosLimits.Resource;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What volumes saved for bursts outlives the server. */
class BurstCreditsTest {
    private static final Instant THEN = Instant.parse("2030-01-31T12:00:00Z");
    private static final Burst GP2 = new Burst(Resource.OPERATIONS, 300, 5_400_000);

    @TempDir
    private Path directory;

    @Test
    void timeThatPassedFillsTheBucketAndTimeThatWentBackwardsDoesNothing() {
        BurstCredit credit = new BurstCredit(VolumeId.parse("vol-00000000000000001"), "gp2", 1000, THEN);
        assertThat(credit.at(THEN, GP2)).isEqualTo(1000);
        assertThat(credit.at(THEN.plusSeconds(10), GP2)).isEqualTo(4000);
        assertThat(credit.at(THEN.minusSeconds(3600), GP2)).isEqualTo(1000);
        assertThat(credit.at(THEN.plusSeconds(17_996), GP2)).isEqualTo(5_399_800);
        assertThat(credit.at(THEN.plus(Duration.ofDays(365_000)), GP2)).isEqualTo(5_400_000);
    }

    @Test
    void aRestartKeepsWhatWasSavedAndForgetsVolumesThatAreGone() {
        try (ControlFixture fixture = new ControlFixture(directory)) {
            VolumeId id = fixture.volume(new VolumeLimits("gp2", 0, 0));
            VolumeId gone = VolumeId.parse("vol-00000000000000001");
            assertThat(credits(fixture, id)).isEqualTo(5_400_000);

            fixture.restartWith(metadata -> metadata.burstCredits()
                    .put(List.of(
                            new BurstCredit(id, "gp2", 1000, fixture.clock().instant()),
                            new BurstCredit(gone, "gp2", 1000, fixture.clock().instant()))));
            assertThat(credits(fixture, id)).isBetween(1000L, 100_000L);
            assertThat(fixture.metadata().burstCredits().all())
                    .extracting(BurstCredit::id)
                    .containsExactly(id);

            fixture.restart();
            assertThat(credits(fixture, id)).isBetween(1000L, 100_000L);
        }
    }

    @Test
    void onceAMinuteCreditsAreWrittenDown() {
        try (ControlFixture fixture = new ControlFixture(directory)) {
            VolumeId id = fixture.volume(new VolumeLimits("gp2", 0, 0));
            fixture.control().tick();
            assertThat(fixture.metadata().burstCredits().all()).isEmpty();
            fixture.clock().advance(Duration.ofMinutes(1));
            fixture.control().tick();
            assertThat(fixture.metadata().burstCredits().all())
                    .containsExactly(new BurstCredit(
                            id, "gp2", 5_400_000, fixture.clock().instant()));
        }
    }

    private static long credits(ControlFixture fixture, VolumeId id) {
        return fixture.store().burstBalance(id).orElseThrow().credits();
    }
}
