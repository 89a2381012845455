package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.engine.SnapshotId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies of images have snapshots of their own; disabled images are neither copied nor launched. */
class ImageCopiesTest {
    private static final String ROOT = "/dev/sda1";
    private static final int MORE_STEPS_THAN_THE_CALL_HAS = 40;

    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private ImageEntry image;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        SnapshotId root = fixture.snapshot(fixture.volume());
        SnapshotId data = fixture.snapshot(fixture.volume());
        image = images().register(new Images.Request(
                        named("web"),
                        "a server",
                        Optional.of(ROOT),
                        List.of(disk(ROOT, root, 3), disk("/dev/sdb", data, 1), disk("/dev/sdc", data, 2)),
                        true,
                        Optional.empty()))
                .join();
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void aCopyHasTheSameDisksAndACopyOfEachSnapshot() {
        ImageEntry copy = copy("copy", Optional.empty()).join();

        assertThat(copy.rootDeviceName()).isEqualTo(ROOT);
        assertThat(copy.description()).isEqualTo("a server");
        assertThat(copy.deregistrationProtected()).isFalse();
        assertThat(copy.mappings())
                .extracting(mapping -> mapping.deviceName() + " " + mapping.sizeGiB())
                .containsExactly("/dev/sda1 3", "/dev/sdb 1", "/dev/sdc 2");
        assertThat(copy.snapshots()).hasSize(2).doesNotContainAnyElementsOf(image.snapshots());
        assertThat(copy.snapshots())
                .extracting(id -> fixture.control()
                        .snapshots()
                        .describe(id)
                        .entry()
                        .copy()
                        .orElseThrow()
                        .of())
                .containsExactlyElementsOf(image.snapshots());
    }

    @Test
    void aCopyThatIsRefusedLeavesNoSnapshots() {
        assertThat(refusal(copy("web", Optional.empty()))).isEqualTo(ErrorCode.IMAGE_NAME_DUPLICATE);
        assertThat(fixture.control().snapshots().list()).hasSize(2);
    }

    @Test
    void aCopyThatACrashCutShortIsMadeOnceByAskingAgain() {
        for (int crashAt = 1; crashAt < MORE_STEPS_THAN_THE_CALL_HAS; crashAt++) {
            Optional<String> token = Optional.of("token " + crashAt);
            String name = "copy " + crashAt;
            boolean crashed = crash(crashAt, name, token);

            ImageEntry copy = copy(name, token).join();
            assertThat(copy(name, token).join()).isEqualTo(copy);
            assertThat(copy.state()).isEqualTo("available");
            assertThat(fixture.control().snapshots().list()).hasSize(2 + 2 * crashAt);
            if (!crashed) {
                assertThat(crashAt).isGreaterThan(4);
                return;
            }
        }
        throw new AssertionError("the call never ran to its end");
    }

    private boolean crash(int crashAt, String name, Optional<String> token) {
        fixture.restart();
        CrashPoints crash = new CrashPoints(crashAt);
        try (ControlPlane plane = ControlPlane.start(
                fixture.store(),
                crash.around(Metadata.class, fixture.metadata()),
                new SecureRandom(),
                fixture.clock())) {
            Throwable unused = plane.imageCopies()
                    .copy(image.id(), request(name, token))
                    .handle((done, failure) -> failure)
                    .join();
        }
        fixture.restart();
        return crash.crashed();
    }

    @Test
    void aDisabledImageIsNeitherCopiedNorLaunchedUntilItIsEnabled() {
        ImageEntry disabled = change(true);
        assertThat(disabled.state()).isEqualTo("disabled");
        fixture.restart();
        assertThat(images().describe(image.id())).isEqualTo(disabled);
        assertThat(images().listEnabled(ListRequest.FIRST).items()).isEmpty();
        assertThat(images().list(ListRequest.FIRST).items()).containsExactly(disabled);
        assertThatThrownBy(() -> copy("copy", Optional.empty())).satisfies(ImageCopiesTest::isUnavailable);
        assertThatThrownBy(this::launch).satisfies(ImageCopiesTest::isUnavailable);
        assertThat(refusal(fixture.control()
                        .snapshots()
                        .delete(image.snapshots().get(0), false, Precondition.NONE, Connections.NONE)))
                .isEqualTo(ErrorCode.SNAPSHOT_IN_USE);

        change(false);
        assertThat(launch().join()).hasSize(1);
    }

    private static void isUnavailable(Throwable failure) {
        assertThat(failure)
                .isInstanceOfSatisfying(
                        RequestException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.IMAGE_UNAVAILABLE));
    }

    private ImageEntry change(boolean disabled) {
        return images().change(image.id(), old -> old.disabled(disabled), Precondition.NONE)
                .join();
    }

    private CompletableFuture<List<List<ImageLaunches.Disk>>> launch() {
        return fixture.control()
                .imageLaunches()
                .launch(image.id(), new ImageLaunches.Request(1, Label.NONE, Optional.empty()));
    }

    private CompletableFuture<ImageEntry> copy(String name, Optional<String> token) {
        return fixture.control().imageCopies().copy(image.id(), request(name, token));
    }

    private static ImageCopies.Request request(String name, Optional<String> token) {
        return new ImageCopies.Request(named(name), Label.NONE, Optional.empty(), token);
    }

    private Images images() {
        return fixture.control().images();
    }

    private static Label named(String name) {
        return new Label(Optional.of(name), Map.of());
    }

    private static Images.Disk disk(String device, SnapshotId of, int sizeGiB) {
        return new Images.Disk(device, of, Optional.of(sizeGiB), VolumeLimits.NONE, true);
    }
}
