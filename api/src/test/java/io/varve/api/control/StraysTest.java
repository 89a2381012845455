package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is made of several parts is whole or never was, at whatever step it is cut short; nobody sees a part alone. */
class StraysTest {
    private static final int MORE_STEPS_THAN_ANY_CALL_HAS = 80;
    private static final Count NOTHING = new Count(0, 0, 0);
    private static final String ROOT = "/dev/sda1";

    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private ImageEntry image;
    private InstanceId instance;

    /** A call that makes something under a name of its own. */
    private interface Call {
        CompletableFuture<?> on(ControlPlane plane, String name, Optional<String> token);
    }

    private record Count(int volumes, int snapshots, int images) {
        Count minus(Count before) {
            return new Count(volumes - before.volumes, snapshots - before.snapshots, images - before.images);
        }
    }

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        VolumeId root = fixture.volume();
        VolumeId data = fixture.volume();
        image = fixture.control()
                .images()
                .register(new Images.Request(
                        named("web"),
                        "",
                        Optional.of(ROOT),
                        List.of(disk(ROOT, fixture.snapshot(root)), disk("/dev/sdb", fixture.snapshot(data))),
                        false,
                        Optional.empty()))
                .join();
        instance = fixture.control()
                .instances()
                .create(new Instances.Request(Optional.empty(), Label.NONE, Optional.empty()))
                .join()
                .id();
        attach(root, ROOT);
        attach(data, "/dev/sdb");
    }

    private void attach(VolumeId volume, String device) {
        fixture.control()
                .instances()
                .attach(instance, volume, device, false, Precondition.NONE)
                .join();
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLaunchOfVolumes(boolean withToken) {
        wholeOrNothing(
                (plane, name, token) ->
                        plane.imageLaunches().launch(image.id(), new ImageLaunches.Request(2, named(name), token)),
                new Count(4, 0, 0),
                withToken);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLaunchOfAnInstance(boolean withToken) {
        wholeOrNothing(
                (plane, name, token) -> plane.instanceLaunches()
                        .launch(new InstanceLaunches.Request(
                                Optional.empty(),
                                image.id(),
                                List.of(),
                                named(name),
                                Label.NONE,
                                VolumeLimits.LOCAL,
                                token)),
                new Count(2, 0, 0),
                withToken);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anImageOfAnInstance(boolean withToken) {
        wholeOrNothing(this::createImage, new Count(0, 2, 1), withToken);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCopyOfAnImage(boolean withToken) {
        wholeOrNothing(
                (plane, name, token) -> plane.imageCopies()
                        .copy(image.id(), new ImageCopies.Request(named(name), Label.NONE, Optional.empty(), token)),
                new Count(0, 2, 1),
                withToken);
    }

    @Test
    void aStartThatIsCutShortIsFinishedByTheNext() {
        boolean crashed = true;
        for (int crashAt = 1; crashed; crashAt++) {
            boolean startCrashed = true;
            for (int startAt = 1; startCrashed; startAt++) {
                String name = crashAt + " " + startAt;
                Count before = count();
                CrashPoints points = new CrashPoints(crashAt);
                try (ControlPlane plane = dying(points)) {
                    Throwable unused = ended(createImage(plane, name, Optional.empty()));
                }
                CrashPoints starting = new CrashPoints(startAt);
                Throwable unused = catchThrowable(() -> starting(starting).close());
                fixture.restart();
                assertThat(count().minus(before)).isIn(NOTHING, new Count(0, 2, 1));
                crashed = points.crashed();
                startCrashed = starting.crashed();
            }
            assertThat(crashAt).isLessThan(MORE_STEPS_THAN_ANY_CALL_HAS);
        }
    }

    private CompletableFuture<?> createImage(ControlPlane plane, String name, Optional<String> token) {
        return plane.instanceImages()
                .create(instance, new InstanceImages.Request(named(name), Label.NONE, "", Optional.of(ROOT), token));
    }

    private void wholeOrNothing(Call call, Count whole, boolean withToken) {
        boolean nothingOnce = false;
        boolean wholeOnce = false;
        boolean crashed = true;
        for (int crashAt = 1; crashed; crashAt++) {
            assertThat(crashAt).isLessThan(MORE_STEPS_THAN_ANY_CALL_HAS);
            String name = "made " + crashAt;
            Optional<String> token = withToken ? Optional.of("token-" + crashAt) : Optional.empty();
            Count before = count();
            crashed = crash(crashAt, plane -> call.on(plane, name, token), before, whole);
            Count made = count().minus(before);
            assertThat(made).as("cut short at step %d", crashAt).isIn(NOTHING, whole);
            nothingOnce |= made.equals(NOTHING);
            wholeOnce |= crashed && made.equals(whole);
            if (withToken) {
                call.on(fixture.control(), name, token).join();
                call.on(fixture.control(), name, token).join();
                assertThat(count().minus(before)).isEqualTo(whole);
            }
        }
        assertThat(nothingOnce).isTrue();
        assertThat(wholeOnce).as("some crashes came after it was whole").isTrue();
    }

    private boolean crash(int crashAt, Function<ControlPlane, CompletableFuture<?>> call, Count before, Count whole) {
        CrashPoints points = new CrashPoints(crashAt);
        try (ControlPlane plane = dying(points)) {
            Throwable unused = ended(call.apply(plane));
            assertThat(plane.volumes().list().size() - before.volumes()).isIn(0, whole.volumes());
            assertThat(plane.snapshots().list().size() - before.snapshots()).isIn(0, whole.snapshots());
        }
        fixture.restart();
        return points.crashed();
    }

    private static Throwable ended(CompletableFuture<?> call) {
        return catchThrowable(call::join);
    }

    private ControlPlane dying(CrashPoints points) {
        fixture.restart();
        return starting(points);
    }

    private ControlPlane starting(CrashPoints points) {
        return ControlPlane.start(
                points.around(BlockStore.class, fixture.store()),
                points.around(Metadata.class, fixture.metadata()),
                new SecureRandom(),
                fixture.clock());
    }

    /** What the engine has, what is written down and what people see is the same, and all of it whole. */
    private Count count() {
        List<VolumeView> volumes = fixture.control().volumes().list();
        List<SnapshotView> snapshots = fixture.control().snapshots().list();
        assertThat(fixture.store().volumes()).hasSameSizeAs(volumes);
        assertThat(fixture.metadata().volumes().all())
                .hasSameSizeAs(volumes)
                .allMatch(entry -> entry.phase() == Phase.READY);
        assertThat(fixture.store().snapshots()).hasSameSizeAs(snapshots);
        assertThat(fixture.metadata().snapshots().all())
                .hasSameSizeAs(snapshots)
                .allMatch(entry -> entry.phase() == Phase.READY);
        List<ImageEntry> images =
                fixture.control().images().list(ListRequest.FIRST).items();
        assertThat(images).allMatch(entry -> entry.phase() == Phase.READY);
        assertThat(images)
                .flatExtracting(ImageEntry::snapshots)
                .allMatch(id -> fixture.control().snapshots().find(id).isPresent());
        return new Count(volumes.size(), snapshots.size(), images.size());
    }

    private static Label named(String name) {
        return new Label(Optional.of(name), Map.of());
    }

    private static Images.Disk disk(String device, SnapshotId of) {
        return new Images.Disk(device, of, Optional.empty(), VolumeLimits.NONE, false);
    }
}
