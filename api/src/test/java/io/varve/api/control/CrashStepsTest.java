package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.varve.api.TestEngine;
import io.varve.engine.BlockStore;
import io.varve.engine.Compression;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.buffer.Buffer;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every call is cut short at every one of its steps; the next start finishes it or undoes it, never leaves a half. */
class CrashStepsTest {
    private static final int GIB_SHIFT = 30;
    private static final Label LABEL = new Label(Optional.of("disk"), Map.of("team", "red"));
    private static final Connections NOBODY = Connections.NONE;

    @TempDir
    private Path directory = Path.of("");

    private TestEngine engine;
    private BlockStore store;
    private Metadata metadata;
    private ControlPlane control;

    @BeforeEach
    void start() {
        engine = TestEngine.open(directory);
        store = engine.store();
        metadata = ControlDatabase.open(directory, () -> false);
        control = ControlPlane.start(store, metadata, new SecureRandom(), Clock.systemUTC());
    }

    @AfterEach
    void stop() {
        control.close();
        metadata.close();
        engine.close();
    }

    @Test
    void aCreationIsWholeOrNeverWas() {
        crashEverywhere(plane -> plane.volumes().create(volume(Optional.empty())), this::everyVolumeIsWhole);
        assertThat(control.volumes().list())
                .as("some crashes came after the engine had it")
                .isNotEmpty();
    }

    @Test
    void aRestoreIsWholeOrNeverWas() {
        SnapshotId snapshot = newSnapshot(newVolume());
        crashEverywhere(plane -> plane.volumes().create(volume(Optional.of(snapshot))), this::everyVolumeIsWhole);
    }

    @Test
    void snapshotsTakenTogetherAreAllWholeOrNeverWere() {
        Set<VolumeId> volumes = new LinkedHashSet<>(List.of(newVolume(), newVolume()));
        crashEverywhere(
                plane -> plane.snapshots().createGroup(new SnapshotGroupRequest(volumes, LABEL, "", Optional.empty())),
                plane -> {
                    assertThat(store.snapshots().size() % 2).isZero();
                    assertThat(plane.snapshots().list()).hasSameSizeAs(store.snapshots());
                    assertThat(metadata.snapshots().all()).hasSameSizeAs(store.snapshots());
                    assertThat(metadata.snapshots().all()).allMatch(entry -> entry.phase() == Phase.READY);
                });
    }

    @Test
    void aSnapshotIsWholeOrNeverWas() {
        VolumeId volume = newVolume();
        crashEverywhere(
                plane -> plane.snapshots().create(new SnapshotRequest(volume, LABEL, "", Optional.empty())), plane -> {
                    assertThat(plane.snapshots().list()).hasSameSizeAs(store.snapshots());
                    assertThat(metadata.snapshots().all()).hasSameSizeAs(store.snapshots());
                    assertThat(metadata.snapshots().all()).allMatch(entry -> entry.phase() == Phase.READY);
                });
    }

    @Test
    void aCopyOfAVolumeIsWholeOrNeverWasAndLeavesNothingBehind() {
        VolumeId source = newVolume();
        VolumeRequest request = new VolumeRequest(
                Optional.empty(),
                Optional.empty(),
                Optional.of(source),
                VolumeLimits.NONE,
                Compression.AUTO,
                LABEL,
                Optional.empty());
        crashEverywhere(plane -> plane.volumes().create(request), plane -> {
            everyVolumeIsWhole(plane);
            assertThat(store.snapshots()).isEmpty();
        });
    }

    @Test
    void aCopyOfASnapshotIsWholeOrNeverWasAndLeavesNothingBehind() {
        SnapshotId snapshot = newSnapshot(newVolume());
        crashEverywhere(
                plane -> plane.snapshots().copy(new SnapshotCopyRequest(snapshot, LABEL, "", Optional.empty())),
                plane -> {
                    assertThat(plane.snapshots().list()).hasSameSizeAs(store.snapshots());
                    assertThat(metadata.snapshots().all()).allMatch(entry -> entry.phase() == Phase.READY);
                    assertThat(store.volumes()).hasSize(1);
                });
    }

    @Test
    void whatGoesIntoTheBinOrOutOfItIsInOneOfBothPlaces() {
        control.retentionRules()
                .create(new RetentionRules.Request(
                        Label.NONE, "", RetentionRule.Resource.VOLUME, Map.of(), 1, 0, Optional.empty()))
                .join();
        for (int crashAt = 1; crashAt <= 3; crashAt++) {
            VolumeId volume = newVolume();
            crash(crashAt, plane -> plane.volumes().delete(volume, false, Precondition.NONE, NOBODY));
            assertThat(binned(volume)).isEqualTo(crashAt > 1);
            assertThat(control.volumes().find(volume).isPresent()).isEqualTo(crashAt == 1);
            if (crashAt > 1) {
                crash(crashAt, plane -> plane.volumes().restore(volume));
                assertThat(control.volumes().find(volume)).isPresent();
                assertThat(binned(volume)).isFalse();
            }
        }
        assertThat(store.volumes()).hasSize(3);
    }

    private boolean binned(VolumeId volume) {
        return control.volumes().listRecycled(ListRequest.FIRST).items().stream()
                .anyMatch(view -> view.record().id().equals(volume));
    }

    @Test
    void aDeletionThatBeganIsFinished() {
        for (int crashAt = 1; crashAt <= 7; crashAt++) {
            VolumeId volume = newVolume();
            boolean crashed = crash(crashAt, plane -> plane.volumes().delete(volume, false, Precondition.NONE, NOBODY));
            boolean begun = crashAt > 1;
            assertThat(store.volume(volume).isPresent()).isEqualTo(!begun);
            assertThat(control.volumes().find(volume).isPresent()).isEqualTo(!begun);
            everyVolumeIsWhole(control);
            assertThat(crashed).isEqualTo(crashAt <= 6);
        }
    }

    @Test
    void aSnapshotsDeletionThatBeganIsFinished() {
        VolumeId volume = newVolume();
        for (int crashAt = 1; crashAt <= 7; crashAt++) {
            SnapshotId snapshot = newSnapshot(volume);
            crash(crashAt, plane -> plane.snapshots().delete(snapshot, false, Precondition.NONE, NOBODY));
            assertThat(control.snapshots().find(snapshot).isPresent()).isEqualTo(crashAt == 1);
            assertThat(metadata.snapshots().all()).hasSameSizeAs(store.snapshots());
        }
    }

    @Test
    void aChangeHappensWholeOrNotAtAll() {
        for (int crashAt = 1; crashAt <= 7; crashAt++) {
            VolumeId volume = newVolume();
            Label renamed = new Label(Optional.of("renamed"), Map.of());
            VolumeChange change = new VolumeChange(
                    Optional.of(3),
                    old -> renamed,
                    new LimitsChange(Optional.empty(), Optional.of(100), Optional.empty()),
                    Optional.empty());
            crash(crashAt, plane -> plane.volumes().change(volume, change, Precondition.NONE));
            VolumeView after = control.volumes().describe(volume);
            boolean changed = after.entry().label().equals(renamed);
            assertThat(after.record().sizeBytes()).isEqualTo((changed ? 3L : 1L) << GIB_SHIFT);
            assertThat(after.entry().limits().iops()).isEqualTo(changed ? 100 : 0);
            assertThat(after.entry().growingToBytes()).isZero();
            assertThat(changed).isEqualTo(crashAt > 1);
        }
    }

    @Test
    void aRepeatedCreationAfterACrashMakesOneVolume() {
        for (int crashAt = 1; crashAt <= 7; crashAt++) {
            VolumeRequest request = new VolumeRequest(
                    Optional.of(1),
                    Optional.empty(),
                    Optional.empty(),
                    VolumeLimits.NONE,
                    Compression.AUTO,
                    LABEL,
                    Optional.of("token-" + crashAt));
            int before = store.volumes().size();
            crash(crashAt, plane -> plane.volumes().create(request));
            control.volumes().create(request).join();
            assertThat(store.volumes()).hasSize(before + 1);
        }
    }

    @Test
    void aSnapshotsLockHoldsWholeOrNotAtAll() {
        VolumeId volume = newVolume();
        SnapshotLock.Request lock =
                new SnapshotLock.Request(SnapshotLock.Mode.GOVERNANCE, 0, Optional.of(1), Optional.empty());
        for (int crashAt = 1; crashAt <= 3; crashAt++) {
            SnapshotId snapshot = newSnapshot(volume);
            crash(crashAt, plane -> plane.snapshots().lock(snapshot, lock, Precondition.NONE));
            assertThat(isLocked(snapshot)).isEqualTo(crashAt > 1);
            control.snapshots().lock(snapshot, lock, Precondition.NONE).join();
            crash(crashAt, plane -> plane.snapshots().unlock(snapshot, Precondition.NONE));
            assertThat(isLocked(snapshot)).isEqualTo(crashAt == 1);
        }
    }

    private boolean isLocked(SnapshotId snapshot) {
        return control.snapshots().describe(snapshot).entry().lock().isPresent();
    }

    @Test
    void aRetentionRuleIsMadeOnceAndGoesWhole() {
        for (int crashAt = 1; crashAt <= 3; crashAt++) {
            RetentionRules.Request request = new RetentionRules.Request(
                    LABEL, "", RetentionRule.Resource.IMAGE, Map.of(), 1, 0, Optional.of("token-" + crashAt));
            crash(crashAt, plane -> plane.retentionRules().create(request));
            assertThat(metadata.retentionRules().all()).hasSize(crashAt > 1 ? 1 : 0);
            RuleId rule = control.retentionRules().create(request).join().id();
            assertThat(metadata.retentionRules().all()).hasSize(1);
            crash(crashAt, plane -> plane.retentionRules().delete(rule, Precondition.NONE));
            assertThat(metadata.retentionRules().all()).hasSize(crashAt > 1 ? 0 : 1);
            if (crashAt == 1) {
                control.retentionRules().delete(rule, Precondition.NONE).join();
            }
        }
    }

    @Test
    void aLifecyclePolicyIsMadeOnceAndGoesWhole() {
        for (int crashAt = 1; crashAt <= 3; crashAt++) {
            LifecyclePolicies.Request request = new LifecyclePolicies.Request(
                    LABEL,
                    "",
                    false,
                    Map.of("team", "red"),
                    new Schedule(60, List.of()),
                    new LifecyclePolicy.Keep(1, 0),
                    Map.of(),
                    false,
                    Optional.of("token-" + crashAt));
            crash(crashAt, plane -> plane.lifecyclePolicies().create(request));
            assertThat(metadata.lifecyclePolicies().all()).hasSize(crashAt > 1 ? 1 : 0);
            PolicyId policy = control.lifecyclePolicies().create(request).join().id();
            assertThat(metadata.lifecyclePolicies().all()).hasSize(1);
            crash(crashAt, plane -> plane.lifecyclePolicies().delete(policy, Precondition.NONE));
            assertThat(metadata.lifecyclePolicies().all()).hasSize(crashAt > 1 ? 0 : 1);
            if (crashAt == 1) {
                control.lifecyclePolicies().delete(policy, Precondition.NONE).join();
            }
        }
    }

    @Test
    void theDefaultVolumeIsMadeOnceHoweverOftenTheFirstStartIsCutShort() {
        for (int crashAt = 1; crashAt <= 9; crashAt++) {
            CrashPoints points = new CrashPoints(crashAt);
            control.close();
            ControlPlane dying = ControlPlane.start(
                    points.around(BlockStore.class, store),
                    points.around(Metadata.class, metadata),
                    new SecureRandom(),
                    Clock.systemUTC());
            Throwable unused = catchThrowable(dying::createDefaultVolume);
            dying.close();
            control = ControlPlane.start(store, metadata, new SecureRandom(), Clock.systemUTC());
            control.createDefaultVolume();
            assertThat(control.volumes().list()).hasSize(1);
            assertThat(control.defaultVolume())
                    .contains(control.volumes().list().get(0).record().id());
        }
    }

    @Test
    void anUploadThatIsBegunIsPendingOrNeverWas() {
        SnapshotId parent = newSnapshot(newVolume());
        crashEverywhere(plane -> plane.uploads().start(upload(Optional.of(parent))), plane -> {
            everyUploadHasItsVolume(plane, 1);
            assertThat(plane.snapshots().list().stream().skip(1))
                    .allMatch(view -> view.state().equals("pending"));
        });
    }

    @Test
    void anUploadIsCompletedOrPendingAndCanBeCompletedThen() {
        int crashAt = 1;
        boolean crashed = true;
        boolean pendingOnce = false;
        for (; crashed; crashAt++) {
            SnapshotId id = control.uploads().start(upload(Optional.empty())).join();
            put(id, 3);
            crashed = crash(crashAt, plane -> plane.uploads().complete(id, 1, Optional.empty()));
            everyUploadHasItsVolume(control, 0);
            pendingOnce |= !control.snapshots().describe(id).isFinished();
            assertThat(control.uploads().complete(id, 1, Optional.empty()).join())
                    .isTrue();
            assertThat(control.snapshots().describe(id).state()).isEqualTo("completed");
        }
        assertThat(crashAt).as("steps of the call").isGreaterThan(6);
        assertThat(pendingOnce).isTrue();
        assertThat(store.volumes()).isEmpty();
    }

    @Test
    void anUploadThatIsTakenBackGoesWhole() {
        boolean crashed = true;
        for (int crashAt = 1; crashed; crashAt++) {
            SnapshotId id = control.uploads().start(upload(Optional.empty())).join();
            crashed = crash(crashAt, plane -> plane.snapshots().delete(id, false, Precondition.NONE, NOBODY));
            assertThat(control.snapshots().find(id).isPresent()).isEqualTo(crashAt == 1);
            everyUploadHasItsVolume(control, 0);
        }
    }

    @Test
    void anUploadThatFailsGivesItsSpaceBack() {
        for (int crashAt = 1; crashAt <= 4; crashAt++) {
            SnapshotId id = control.uploads().start(upload(Optional.empty())).join();
            CrashPoints points = new CrashPoints(crashAt);
            control.close();
            MovingClock clock = new MovingClock();
            ControlPlane dying = ControlPlane.start(
                    points.around(BlockStore.class, store),
                    points.around(Metadata.class, metadata),
                    new SecureRandom(),
                    clock);
            clock.now = clock.now.plus(Duration.ofHours(1));
            Throwable unused = catchThrowable(dying::tick);
            dying.close();
            control = ControlPlane.start(store, metadata, new SecureRandom(), Clock.systemUTC());
            boolean failed = crashAt > 1;
            assertThat(control.snapshots().describe(id).state()).isEqualTo(failed ? "error" : "pending");
            assertThat(store.volumes()).hasSize(failed ? 0 : 1);
            control.snapshots().delete(id, false, Precondition.NONE, NOBODY).join();
            everyUploadHasItsVolume(control, 0);
        }
    }

    /** A clock that is set. */
    private static final class MovingClock implements InstantSource {
        private Instant now = Instant.now();

        @Override
        public Instant instant() {
            return now;
        }
    }

    private void everyUploadHasItsVolume(ControlPlane plane, int otherVolumes) {
        List<SnapshotView> unfinished = plane.snapshots().list().stream()
                .filter(view -> !view.isFinished())
                .toList();
        assertThat(store.volumes()).hasSize(unfinished.size() + otherVolumes);
        assertThat(unfinished)
                .allMatch(view -> store.volume(view.record().volumeId()).isPresent());
        assertThat(plane.volumes().list()).hasSize(otherVolumes);
        assertThat(metadata.snapshots().all()).hasSize(store.snapshots().size() + unfinished.size());
    }

    private static UploadRequest upload(Optional<SnapshotId> parent) {
        return new UploadRequest(1, parent, LABEL, "", 10, Optional.empty());
    }

    private void put(SnapshotId id, int index) {
        byte[] bytes = new byte[DirectBlocks.BYTES];
        control.uploads()
                .put(id, index, Buffer.buffer(bytes), DirectBlocks.newDigest().digest(bytes), Optional.empty())
                .join();
    }

    private void everyVolumeIsWhole(ControlPlane plane) {
        assertThat(plane.volumes().list()).hasSameSizeAs(store.volumes());
        assertThat(metadata.volumes().all()).hasSameSizeAs(store.volumes());
        assertThat(plane.volumes().list()).allSatisfy(volume -> {
            assertThat(volume.entry().phase()).isEqualTo(Phase.READY);
            assertThat(volume.entry().label()).isEqualTo(LABEL);
        });
    }

    private void crashEverywhere(Function<ControlPlane, CompletableFuture<?>> call, Consumer<ControlPlane> check) {
        int crashAt = 1;
        while (crash(crashAt, call)) {
            check.accept(control);
            crashAt++;
        }
        assertThat(crashAt).as("steps of the call").isGreaterThan(4);
    }

    /** Makes the call in a process that dies at a step, and starts again; false if the call ended before. */
    private boolean crash(int crashAt, Function<ControlPlane, CompletableFuture<?>> call) {
        control.close();
        CrashPoints points = new CrashPoints(crashAt);
        ControlPlane dying = ControlPlane.start(
                points.around(BlockStore.class, store),
                points.around(Metadata.class, metadata),
                new SecureRandom(),
                Clock.systemUTC());
        Throwable unused = catchThrowable(() -> call.apply(dying).join());
        dying.close();
        metadata.close();
        metadata = ControlDatabase.open(directory, () -> false);
        control = ControlPlane.start(store, metadata, new SecureRandom(), Clock.systemUTC());
        return points.crashed();
    }

    private VolumeId newVolume() {
        return control.volumes()
                .create(volume(Optional.empty()))
                .join()
                .record()
                .id();
    }

    private SnapshotId newSnapshot(VolumeId of) {
        return control.snapshots()
                .create(new SnapshotRequest(of, LABEL, "", Optional.empty()))
                .join()
                .record()
                .id();
    }

    private static VolumeRequest volume(Optional<SnapshotId> from) {
        return new VolumeRequest(
                Optional.of(1), from, Optional.empty(), VolumeLimits.NONE, Compression.AUTO, LABEL, Optional.empty());
    }
}
