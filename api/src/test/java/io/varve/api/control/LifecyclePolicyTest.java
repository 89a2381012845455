package io.varve.api.control;

import static io.varve.api.control.ControlFixture.tagged;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Policies take and delete snapshots by the clock, each once, also where a crash comes between. */
class LifecyclePolicyTest {
    private static final Schedule HOURLY = new Schedule(60, List.of());

    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private VolumeId red;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        red = fixture.volume(tagged("team", "red"));
        fixture.volume(tagged("team", "blue"));
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void theNewestSnapshotsOfTheVolumesThatItIsAboutStay() {
        policy(HOURLY, new LifecyclePolicy.Keep(2, 0));
        fixture.control().tick();
        assertThat(snapshots()).isEmpty();
        for (int hour = 1; hour <= 4; hour++) {
            fixture.clock().advance(Duration.ofHours(1));
            fixture.control().tick();
            fixture.control().tick();
            assertThat(snapshots()).hasSize(Math.min(hour, 2));
        }
        assertThat(snapshots()).allSatisfy(snapshot -> {
            assertThat(snapshot.volumeId()).isEqualTo(red);
            assertThat(snapshot.entry().label().tags())
                    .containsEntry("team", "red")
                    .containsEntry("by", "policy");
        });
        assertThat(fixture.store().snapshots()).hasSize(2);
    }

    @Test
    void snapshotsThatAreTooOldGo() {
        policy(HOURLY, new LifecyclePolicy.Keep(0, 1));
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        fixture.clock().advance(Duration.ofHours(23));
        fixture.control().tick();
        assertThat(snapshots()).hasSize(2);
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        assertThat(snapshots()).hasSize(2);
    }

    @Test
    void whatWasDueWhileTheServerWasDownIsDoneOnce() {
        policy(HOURLY, new LifecyclePolicy.Keep(10, 0));
        fixture.clock().advance(Duration.ofHours(5));
        fixture.restart();
        fixture.control().tick();
        assertThat(snapshots()).hasSize(1);
    }

    @Test
    void nothingIsDoneWhileItIsSwitchedOffNorMadeUpForAfterwards() {
        LifecyclePolicy policy = policy(HOURLY, new LifecyclePolicy.Keep(10, 0));
        switchTo(policy, false);
        fixture.clock().advance(Duration.ofMinutes(90));
        fixture.control().tick();
        switchTo(policy, true);
        fixture.control().tick();
        assertThat(snapshots()).isEmpty();
        fixture.clock().advance(Duration.ofMinutes(30));
        fixture.control().tick();
        assertThat(snapshots()).hasSize(1);
    }

    @Test
    void timesOfDayAreKept() {
        Schedule schedule = new Schedule(0, List.of(LocalTime.of(15, 0), LocalTime.of(3, 30)));
        Instant noon = Instant.parse("2030-01-31T12:00:00Z");
        assertThat(schedule.latest(noon)).isEqualTo(Instant.parse("2030-01-31T03:30:00Z"));
        assertThat(schedule.next(noon)).isEqualTo(Instant.parse("2030-01-31T15:00:00Z"));
        Instant night = Instant.parse("2030-01-31T01:00:00Z");
        assertThat(schedule.latest(night)).isEqualTo(Instant.parse("2030-01-30T15:00:00Z"));
        Instant evening = Instant.parse("2030-01-31T15:00:00Z");
        assertThat(schedule.latest(evening)).isEqualTo(evening);
        assertThat(schedule.next(evening)).isEqualTo(Instant.parse("2030-02-01T03:30:00Z"));
    }

    @Test
    void lockedSnapshotsAndThoseOutOfTheBinStay() {
        policy(HOURLY, new LifecyclePolicy.Keep(1, 0));
        fixture.control()
                .retentionRules()
                .create(new RetentionRules.Request(
                        Label.NONE, "", RetentionRule.Resource.SNAPSHOT, Map.of(), 7, 0, Optional.empty()))
                .join();
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        SnapshotId locked = snapshots().get(0).record().id();
        fixture.control()
                .snapshots()
                .lock(
                        locked,
                        new SnapshotLock.Request(SnapshotLock.Mode.GOVERNANCE, 0, Optional.of(1), Optional.empty()),
                        Precondition.NONE)
                .join();
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        SnapshotId restored = snapshots().get(1).record().id();
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        assertThat(ids()).hasSize(2).contains(locked).doesNotContain(restored);

        fixture.control().snapshots().restore(restored).join();
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        assertThat(ids()).hasSize(3).contains(locked, restored);
    }

    @Test
    void whatGoesWrongStandsInItsStatusAndTheNextTimeIsTriedAgain() {
        LifecyclePolicy policy = policy(HOURLY, new LifecyclePolicy.Keep(1, 0));
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        SnapshotId held = ids().get(0);
        var reader = fixture.store().openSnapshot(held).join();
        fixture.clock().advance(Duration.ofHours(1));
        fixture.control().tick();
        LifecyclePolicy failed = fixture.control().lifecyclePolicies().describe(policy.id());
        assertThat(failed.state()).isEqualTo("error");
        assertThat(failed.lastRun().orElseThrow().errors())
                .singleElement()
                .asString()
                .contains(held.toString())
                .contains("in use");
        reader.release();
        fixture.clock().advance(Duration.ofHours(1));
        Awaitility.await().until(() -> !fixture.store().inUse(held));
        fixture.control().tick();
        assertThat(fixture.control().lifecyclePolicies().describe(policy.id()).state())
                .isEqualTo("enabled");
        assertThat(snapshots()).hasSize(1);
    }

    @Test
    void aCrashAtAnyStepNeitherDoublesNorLosesASnapshot() {
        policy(HOURLY, new LifecyclePolicy.Keep(1, 0));
        boolean crashed = true;
        int crashAt = 0;
        while (crashed) {
            crashAt++;
            fixture.clock().advance(Duration.ofHours(1));
            CrashPoints points = new CrashPoints(crashAt);
            fixture.control().close();
            ControlPlane dying = ControlPlane.start(
                    points.around(BlockStore.class, fixture.store()),
                    points.around(Metadata.class, fixture.metadata()),
                    new SecureRandom(),
                    fixture.clock());
            Throwable unused = catchThrowable(dying::tick);
            dying.close();
            crashed = points.crashed();
            fixture.restart();
            fixture.control().tick();
            assertThat(snapshots()).hasSize(1);
            assertThat(snapshots().get(0).entry().description())
                    .contains(fixture.clock().instant().toString());
            assertThat(fixture.store().snapshots()).hasSize(1);
        }
        assertThat(crashAt).as("steps of a run").isGreaterThan(8);
    }

    private LifecyclePolicy policy(Schedule schedule, LifecyclePolicy.Keep keep) {
        return fixture.control()
                .lifecyclePolicies()
                .create(new LifecyclePolicies.Request(
                        Label.NONE,
                        "",
                        true,
                        Map.of("team", "red"),
                        schedule,
                        keep,
                        Map.of("by", "policy"),
                        true,
                        Optional.empty()))
                .join();
    }

    private void switchTo(LifecyclePolicy policy, boolean enabled) {
        fixture.control()
                .lifecyclePolicies()
                .change(
                        policy.id(),
                        old -> new LifecyclePolicy(
                                old.id(),
                                old.label(),
                                old.description(),
                                enabled,
                                old.targetTags(),
                                old.schedule(),
                                old.keep(),
                                old.snapshotTags(),
                                old.copyTags(),
                                old.doneUpTo(),
                                old.lastRun(),
                                old.clientToken()),
                        Precondition.NONE)
                .join();
    }

    private List<SnapshotView> snapshots() {
        return fixture.control().snapshots().list();
    }

    private List<SnapshotId> ids() {
        return snapshots().stream().map(snapshot -> snapshot.record().id()).toList();
    }
}
