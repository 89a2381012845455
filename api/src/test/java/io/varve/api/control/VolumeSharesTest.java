package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.QosLimits;
import io.varve.engine.QosShare;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeTypes;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What may be promised to volumes. */
class VolumeSharesTest {
    private static final Connections NOBODY = new Connections() {
        @Override
        public CompletableFuture<Void> disconnect(VolumeId volume) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public CompletableFuture<Void> disconnect(SnapshotId snapshot) {
            return CompletableFuture.completedFuture(null);
        }
    };

    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private ControlPlane plane;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        plane = plane(1_000);
    }

    @AfterEach
    void stop() {
        plane.close();
        fixture.close();
    }

    private ControlPlane plane(long storeIops) {
        return ControlPlane.start(
                fixture.store(),
                fixture.metadata(),
                new SecureRandom(),
                fixture.clock(),
                new ControlSettings(VolumeTypes.BUILT_IN, 4, new QosLimits(storeIops, 0)));
    }

    @Test
    void allTogetherArePromisedNineTenthsOfTheStore() {
        VolumeId one = fixture.volume();
        VolumeId two = fixture.volume();
        plane.close();
        plane = plane(1_000);
        assertThat(share(one, new QosShare(500, 100)).join().entry().share().minimumIops())
                .isEqualTo(500);
        assertThat(ControlFixture.refusal(share(two, new QosShare(401, 100))))
                .isEqualTo(ErrorCode.RESOURCE_LIMIT_EXCEEDED);
        share(two, new QosShare(400, 100)).join();
        share(one, new QosShare(0, 100)).join();
        share(two, new QosShare(900, 100)).join();
    }

    @Test
    void aVolumeInTheRecycleBinTakesNothingFromTheOthers() {
        VolumeId one = fixture.volume();
        VolumeId two = fixture.volume();
        plane.close();
        plane = plane(1_000);
        plane.retentionRules()
                .create(new RetentionRules.Request(
                        Label.NONE, "", RetentionRule.Resource.VOLUME, Map.of(), 1, 0, Optional.empty()))
                .join();
        share(one, new QosShare(900, 100)).join();
        plane.volumes().delete(one, false, Precondition.NONE, NOBODY).join();
        share(two, new QosShare(900, 100)).join();
    }

    @Test
    void nobodyIsPromisedMoreThanTheVolumesOwnLimit() {
        VolumeId volume = fixture.volume(new VolumeLimits("local", 300, 0));
        plane.close();
        plane = plane(1_000);
        assertThat(ControlFixture.refusal(share(volume, new QosShare(301, 100))))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        share(volume, new QosShare(300, 100)).join();
        VolumeChange slower = new VolumeChange(
                Optional.empty(),
                label -> label,
                new LimitsChange(Optional.empty(), Optional.of(200), Optional.empty()),
                Optional.empty());
        assertThat(ControlFixture.refusal(plane.volumes().change(volume, slower, Precondition.NONE)))
                .isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
    }

    @Test
    void aShareIsKeptAcrossRestartsAndIsNoModification() {
        VolumeId volume = fixture.volume();
        plane.close();
        plane = plane(1_000);
        share(volume, new QosShare(70, 700)).join();
        plane.close();
        plane = plane(0);
        VolumeEntry entry = plane.volumes().describe(volume).entry();
        assertThat(entry.share()).isEqualTo(new QosShare(70, 700));
        assertThat(entry.modifications()).isEmpty();
        share(volume, new QosShare(5_000_000, 1)).join(); // a store without limits promises nothing
    }

    private CompletableFuture<VolumeView> share(VolumeId volume, QosShare share) {
        VolumeChange change = new VolumeChange(
                Optional.empty(), label -> label, LimitsChange.NONE, old -> share, Optional.empty(), Optional.empty());
        return plane.volumes().change(volume, change, Precondition.NONE);
    }
}
