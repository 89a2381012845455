package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images hold their snapshots, and what they are made of and made into is whole after a crash. */
class ImagesTest {
    private static final String ROOT = "/dev/sda1";
    private static final int MORE_STEPS_THAN_ANY_CALL_HAS = 40;

    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private SnapshotId snapshot;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        snapshot = fixture.snapshot(fixture.volume());
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void aSnapshotOfAnImageCannotBeDeletedBeforeTheImageIsDeregistered() {
        ImageEntry image = register("web");
        fixture.restart();
        assertThat(images().describe(image.id())).isEqualTo(image);
        assertThat(refusal(delete(snapshot))).isEqualTo(ErrorCode.SNAPSHOT_IN_USE);
        assertThat(deregister(image.id(), false)).isEmpty();
        delete(snapshot).join();
        assertThatThrownBy(() -> images().describe(image.id())).isInstanceOf(RequestException.class);
    }

    @Test
    void aDeregistrationWithSnapshotsKeepsThoseOfOtherImages() {
        SnapshotId shared = fixture.snapshot(fixture.volume());
        ImageEntry other = register("other", disk(ROOT, shared));
        ImageEntry image = register("web", disk(ROOT, snapshot), disk("/dev/sdb", shared));
        List<Images.SnapshotResult> results = deregister(image.id(), true);
        assertThat(results).extracting(Images.SnapshotResult::snapshot).containsExactly(snapshot, shared);
        assertThat(results.get(0).kept()).isEmpty();
        assertThat(results.get(1).kept().orElseThrow().code()).isEqualTo(ErrorCode.SNAPSHOT_IN_USE);
        assertThat(fixture.control().snapshots().find(snapshot)).isEmpty();
        assertThat(images().describe(other.id())).isEqualTo(other);
    }

    @Test
    void aDeregisteredImageThatARuleKeepsComesBackAndHoldsItsSnapshotsUntilThen() {
        keepImages(0);
        ImageEntry image = register("web");
        List<Images.SnapshotResult> results = deregister(image.id(), true);
        assertThat(results.get(0).kept().orElseThrow().code()).isEqualTo(ErrorCode.SNAPSHOT_IN_USE);
        fixture.restart();
        assertThat(images().list(ListRequest.FIRST).items()).isEmpty();
        assertThat(images().listRecycled(ListRequest.FIRST).items())
                .extracting(ImageEntry::id, ImageEntry::state)
                .containsExactly(tuple(image.id(), "recoverable"));
        assertThatThrownBy(() -> images().describe(image.id())).isInstanceOf(RequestException.class);
        assertThat(refusal(delete(snapshot))).isEqualTo(ErrorCode.SNAPSHOT_IN_USE);
        ImageEntry other = register("web");
        assertThat(refusal(images().restore(image.id()))).isEqualTo(ErrorCode.IMAGE_NAME_DUPLICATE);
        deregister(other.id(), false);
        assertThat(images().restore(image.id()).join()).isEqualTo(image);
        assertThat(images().describe(image.id())).isEqualTo(image);
        assertThat(refusal(images().restore(image.id()))).isEqualTo(ErrorCode.IMAGE_NOT_FOUND);
    }

    @Test
    void anImageInTheBinGoesWhenItsTimeIsOverAndFreesItsSnapshots() {
        keepImages(0);
        ImageEntry image = register("web");
        deregister(image.id(), false);
        fixture.clock().advance(Duration.ofDays(1).minusMillis(1));
        fixture.control().tick();
        assertThat(images().listRecycled(ListRequest.FIRST).items()).hasSize(1);
        fixture.clock().advance(Duration.ofMillis(1));
        fixture.control().tick();
        assertThat(images().listRecycled(ListRequest.FIRST).items()).isEmpty();
        delete(snapshot).join();
    }

    @Test
    void anImageInTheBinIsPurgedUnlessItsRuleIsLocked() {
        keepImages(0);
        ImageEntry image = register("web");
        deregister(image.id(), false);
        images().purge(image.id()).join();
        assertThat(refusal(images().purge(image.id()))).isEqualTo(ErrorCode.IMAGE_NOT_FOUND);
        keepImages(7);
        ImageEntry locked = register("locked");
        deregister(locked.id(), false);
        assertThat(refusal(images().purge(locked.id()))).isEqualTo(ErrorCode.OPERATION_NOT_PERMITTED);
    }

    private void keepImages(int unlockDelayDays) {
        int days = unlockDelayDays > 0 ? 2 : 1; // the longest rule counts
        fixture.control()
                .retentionRules()
                .create(new RetentionRules.Request(
                        Label.NONE,
                        "",
                        RetentionRule.Resource.IMAGE,
                        Map.of(),
                        days,
                        unlockDelayDays,
                        Optional.empty()))
                .join();
    }

    @Test
    void registrationAndDeletionOfTheSnapshotAtOnceNeverLeaveAnImageWithoutIt() {
        for (int i = 0; i < 20; i++) {
            SnapshotId contested = fixture.snapshot(fixture.volume());
            CompletableFuture<ImageEntry> registration = images().register(request("race " + i, disk(ROOT, contested)));
            CompletableFuture<Void> deletion = delete(contested);
            boolean registered =
                    registration.handle((image, failure) -> failure == null).join();
            boolean deleted =
                    deletion.handle((gone, failure) -> failure == null).join();
            assertThat(registered).isNotEqualTo(deleted);
        }
    }

    @Test
    void aNameIsOneImagesOnlyAndATokenMakesOne() {
        Images.Request request = new Images.Request(
                named("web"), "", Optional.empty(), List.of(disk(ROOT, snapshot)), false, Optional.of("t"));
        ImageEntry image = images().register(request).join();
        assertThat(images().register(request).join()).isEqualTo(image);
        assertThat(refusal(images().register(request("web", disk(ROOT, snapshot)))))
                .isEqualTo(ErrorCode.IMAGE_NAME_DUPLICATE);
    }

    @Test
    void mappingsThatMakeNoSenseAreRefused() {
        assertThat(refusal(images().register(request("web", disk(ROOT, snapshot), disk(ROOT, snapshot)))))
                .isEqualTo(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING);
        assertThat(refusal(images().register(new Images.Request(
                        named("web"),
                        "",
                        Optional.empty(),
                        List.of(disk(ROOT, snapshot), disk("/dev/sdb", snapshot)),
                        false,
                        Optional.empty()))))
                .isEqualTo(ErrorCode.MISSING_PARAMETER);
        assertThat(refusal(images().register(new Images.Request(
                        named("web"),
                        "",
                        Optional.of("/dev/sdz"),
                        List.of(disk(ROOT, snapshot)),
                        false,
                        Optional.empty()))))
                .isEqualTo(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING);
        assertThat(refusal(images().register(request("web", disk(ROOT, SnapshotId.random(new SecureRandom()))))))
                .isEqualTo(ErrorCode.SNAPSHOT_NOT_FOUND);
    }

    @Test
    void aLaunchClonesAllDisksAsOftenAsWanted() {
        SnapshotId data = fixture.snapshot(fixture.volume());
        ImageEntry image = register("web", disk(ROOT, snapshot), disk("/dev/sdb", data));
        List<List<ImageLaunches.Disk>> launched =
                launch(image.id(), 3, Optional.empty()).join();
        assertThat(launched)
                .hasSize(3)
                .allSatisfy(disks -> assertThat(disks)
                        .extracting(disk -> disk.volume().origin().orElseThrow())
                        .containsExactly(snapshot, data));
        deregister(image.id(), true);
        assertThat(fixture.control().volumes().list()).hasSize(2 + 6);
    }

    @Test
    void aLaunchWithATokenIsCompletedByAskingAgain() {
        ImageEntry image = register("web");
        List<VolumeId> first = ids(launch(image.id(), 2, Optional.of("t")).join());
        fixture.control()
                .volumes()
                .delete(first.get(1), false, Precondition.NONE, Connections.NONE)
                .join();
        List<VolumeId> second = ids(launch(image.id(), 2, Optional.of("t")).join());
        assertThat(second.get(0)).isEqualTo(first.get(0));
        assertThat(second.get(1)).isNotEqualTo(first.get(1));
    }

    @Test
    void aLaunchOfMoreVolumesThanAllowedMakesNone() {
        ImageEntry image = register("web", disk(ROOT, snapshot), disk("/dev/sdb", snapshot));
        assertThatThrownBy(() -> launch(image.id(), ImageLaunches.MOST_VOLUMES / 2 + 1, Optional.empty()))
                .isInstanceOf(RequestException.class);
        assertThat(fixture.control().volumes().list()).hasSize(1);
    }

    @Test
    void aRegistrationIsWholeOrNeverWas() {
        crashEverywhere(plane -> plane.images().register(request("web", disk(ROOT, snapshot))), () -> {
            assertThat(fixture.metadata().images().all()).allMatch(image -> image.phase() == Phase.READY);
            boolean registered = !fixture.metadata().images().all().isEmpty();
            assertThat(fixture.control().images().list(ListRequest.FIRST).items())
                    .hasSize(registered ? 1 : 0);
            fixture.control().images().list(ListRequest.FIRST).items().forEach(image -> deregister(image.id(), false));
        });
    }

    @Test
    void aDeregistrationWithItsSnapshotsIsFinishedOrNeverBegan() {
        for (int crashAt = 1; crashAt < MORE_STEPS_THAN_ANY_CALL_HAS; crashAt++) {
            SnapshotId own = fixture.snapshot(fixture.volume());
            ImageEntry image = register("web " + crashAt, disk(ROOT, own));
            boolean crashed = crash(crashAt, plane -> plane.images().deregister(image.id(), true, Precondition.NONE));
            boolean imageLeft =
                    fixture.control().images().list(ListRequest.FIRST).items().contains(image);
            assertThat(fixture.control().snapshots().find(own).isPresent()).isEqualTo(imageLeft);
            if (!crashed) {
                return;
            }
        }
        throw new AssertionError("the call never ran to its end");
    }

    private void crashEverywhere(Function<ControlPlane, CompletableFuture<?>> call, Runnable whole) {
        int ended = IntStream.range(1, MORE_STEPS_THAN_ANY_CALL_HAS)
                .filter(crashAt -> {
                    boolean crashed = crash(crashAt, call);
                    whole.run();
                    return !crashed;
                })
                .findFirst()
                .orElseThrow();
        assertThat(ended).isGreaterThan(2);
    }

    private boolean crash(int crashAt, Function<ControlPlane, CompletableFuture<?>> call) {
        fixture.restart();
        CrashPoints crash = new CrashPoints(crashAt);
        try (ControlPlane plane = ControlPlane.start(
                fixture.store(),
                crash.around(Metadata.class, fixture.metadata()),
                new SecureRandom(),
                fixture.clock())) {
            Throwable unused =
                    call.apply(plane).handle((done, failure) -> failure).join();
        }
        fixture.restart();
        return crash.crashed();
    }

    private Images images() {
        return fixture.control().images();
    }

    private static Label named(String name) {
        return new Label(Optional.of(name), Map.of());
    }

    private static Images.Disk disk(String device, SnapshotId of) {
        return new Images.Disk(device, of, Optional.empty(), VolumeLimits.NONE, true);
    }

    private static Images.Request request(String name, Images.Disk... disks) {
        return new Images.Request(named(name), "", Optional.of(ROOT), List.of(disks), false, Optional.empty());
    }

    private ImageEntry register(String name, Images.Disk... disks) {
        return images().register(request(name, disks)).join();
    }

    private ImageEntry register(String name) {
        return register(name, disk(ROOT, snapshot));
    }

    private List<Images.SnapshotResult> deregister(ImageId id, boolean deleteSnapshots) {
        return images().deregister(id, deleteSnapshots, Precondition.NONE).join();
    }

    private CompletableFuture<Void> delete(SnapshotId id) {
        return fixture.control().snapshots().delete(id, false, Precondition.NONE, Connections.NONE);
    }

    private CompletableFuture<List<List<ImageLaunches.Disk>>> launch(ImageId id, int count, Optional<String> token) {
        return fixture.control().imageLaunches().launch(id, new ImageLaunches.Request(count, Label.NONE, token));
    }

    private static List<VolumeId> ids(List<List<ImageLaunches.Disk>> launched) {
        return launched.stream()
                .map(disks -> disks.get(0).volume().record().id())
                .toList();
    }
}
