package io.varve.api.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.QosLimits;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.varve.engine.VolumeTypes;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is told of changes of size and performance, and how often they may be made. */
class VolumeModificationsTest {
    private static final VolumeLimits GP3 = new VolumeLimits("gp3", 3000, 125);

    @TempDir
    private Path directory;

    private ControlFixture fixture;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void oneCallChangesAllAndIsToldWithWhatWasBefore() {
        VolumeId volume = fixture.volume(GP3);
        Instant now = fixture.clock().instant();
        change(volume, Optional.of(20), new VolumeLimits("io2", 5000, 0)).join();
        VolumeModification modification = only(volume);
        assertThat(modification.state()).isEqualTo(VolumeModification.State.COMPLETED);
        assertThat(modification.progress()).isEqualTo(100);
        assertThat(modification.startedAt()).isEqualTo(now);
        assertThat(modification.endedAt()).contains(now);
        assertThat(modification.original()).isEqualTo(new VolumeModification.Shape(1, GP3));
        assertThat(modification.target())
                .isEqualTo(new VolumeModification.Shape(20, new VolumeLimits("io2", 5000, 1280)));
        fixture.restart();
        assertThat(only(volume)).isEqualTo(modification);
    }

    @Test
    void whatChangesNothingOrOnlyTheNameIsNoModification() {
        VolumeId volume = fixture.volume(GP3);
        change(volume, Optional.of(1), GP3).join();
        VolumeChange renaming = new VolumeChange(
                Optional.empty(), old -> new Label(Optional.of("db"), old.tags()), LimitsChange.NONE, Optional.empty());
        fixture.control().volumes().change(volume, renaming, Precondition.NONE).join();
        assertThat(modifications(volume)).isEmpty();
    }

    @Test
    void theFifthIn24HoursIsRefusedAndMadeWhenTheFirstIsThatOld() {
        VolumeId volume = fixture.volume(GP3);
        for (int i = 1; i <= 4; i++) {
            change(volume, Optional.of(1 + i), GP3).join();
            fixture.clock().advance(Duration.ofHours(1));
        }
        assertThat(ControlFixture.refusal(change(volume, Optional.of(6), GP3)))
                .isEqualTo(ErrorCode.VOLUME_MODIFICATION_RATE_EXCEEDED);
        fixture.clock().advance(Duration.ofHours(20).minusMillis(1));
        fixture.restart();
        assertThat(ControlFixture.refusal(change(volume, Optional.of(6), GP3)))
                .isEqualTo(ErrorCode.VOLUME_MODIFICATION_RATE_EXCEEDED);
        fixture.clock().advance(Duration.ofMillis(1));
        change(volume, Optional.of(6), GP3).join();
        assertThat(modifications(volume)).hasSize(5);
    }

    @Test
    void aLocalVolumeIsChangedAsOftenAsOneLikesAndTheNewestChangesAreKept() {
        VolumeId volume = fixture.volume();
        for (int i = 1; i <= VolumeModifications.KEPT + 3; i++) {
            change(volume, Optional.empty(), new VolumeLimits("local", i, 0)).join();
        }
        assertThat(modifications(volume)).hasSize(VolumeModifications.KEPT);
        assertThat(modifications(volume).get(0).original().limits().iops()).isEqualTo(3);
        change(volume, Optional.empty(), GP3).join();
    }

    @Test
    void anOperatorMayAllowMoreOrAnyNumber() {
        VolumeId volume = fixture.volume(GP3);
        try (ControlPlane five = plane(fixture.store(), 5)) {
            for (int i = 1; i <= 5; i++) {
                change(five, volume, Optional.of(1 + i), GP3).join();
            }
            assertThat(ControlFixture.refusal(change(five, volume, Optional.of(7), GP3)))
                    .isEqualTo(ErrorCode.VOLUME_MODIFICATION_RATE_EXCEEDED);
        }
        try (ControlPlane any = plane(fixture.store(), 0)) {
            change(any, volume, Optional.of(7), GP3).join();
        }
    }

    @Test
    void whatTheEngineRefusesIsUndoneAndToldAsFailedAndDoesNotCount() {
        VolumeId volume = fixture.volume(GP3);
        BlockStore full = extending(() ->
                CompletableFuture.failedFuture(new StoreException(StoreException.Kind.NO_SPACE, "the disk is full")));
        try (ControlPlane plane = plane(full, 1)) {
            assertThat(ControlFixture.refusal(
                            change(plane, volume, Optional.of(9), new VolumeLimits("gp3", 3000, 200))))
                    .isEqualTo(ErrorCode.INSUFFICIENT_VOLUME_CAPACITY);
            VolumeView after = plane.volumes().describe(volume);
            assertThat(after.entry().limits()).isEqualTo(GP3);
            VolumeModification failed = after.entry().modification().orElseThrow();
            assertThat(failed.state()).isEqualTo(VolumeModification.State.FAILED);
            assertThat(failed.progress()).isZero();
            assertThat(failed.reason()).contains("full");
            assertThat(failed.endedAt()).isPresent();
            change(plane, volume, Optional.empty(), new VolumeLimits("gp3", 3000, 200))
                    .join();
        }
    }

    @Test
    void whileOneIsUnderWayAnotherIsRefusedAndARenamingWaits() {
        VolumeId volume = fixture.volume(GP3);
        CompletableFuture<Void> extended = new CompletableFuture<>();
        CompletableFuture<Void> asked = new CompletableFuture<>();
        BlockStore slow = extending(() -> {
            asked.complete(null);
            return extended;
        });
        try (ControlPlane plane = plane(slow, 4)) {
            CompletableFuture<VolumeView> first = change(plane, volume, Optional.of(9), GP3);
            asked.join();
            assertThat(plane.volumes()
                            .describe(volume)
                            .entry()
                            .modification()
                            .orElseThrow()
                            .state())
                    .isEqualTo(VolumeModification.State.MODIFYING);
            assertThat(ControlFixture.refusal(change(plane, volume, Optional.of(10), GP3)))
                    .isEqualTo(ErrorCode.INCORRECT_MODIFICATION_STATE);
            CompletableFuture<VolumeView> renaming = plane.volumes()
                    .change(
                            volume,
                            new VolumeChange(
                                    Optional.empty(),
                                    old -> new Label(Optional.of("db"), old.tags()),
                                    LimitsChange.NONE,
                                    Optional.empty()),
                            Precondition.NONE);
            assertThat(renaming).isNotDone();
            extended.complete(null);
            first.join();
            assertThat(renaming.join().entry().modification().orElseThrow().state())
                    .isEqualTo(VolumeModification.State.COMPLETED);
        }
    }

    @Test
    void whatACrashCutShortIsDoneByTheNextStart() {
        VolumeId volume = fixture.volume(GP3);
        fixture.restartWith(metadata -> {
            VolumeEntry entry = metadata.volumes().all().get(0);
            VolumeLimits io2 = new VolumeLimits("io2", 100, 25);
            VolumeModification begun = VolumeModification.begun(
                    1,
                    new VolumeModification.Shape(1, GP3),
                    new VolumeModification.Shape(8, io2),
                    fixture.clock().instant());
            metadata.volumes().put(entry.with(entry.label(), io2, 8L << 30).with(begun));
            fixture.clock().advance(Duration.ofMinutes(1));
        });
        VolumeView after = fixture.control().volumes().describe(volume);
        assertThat(after.record().sizeBytes()).isEqualTo(8L << 30);
        assertThat(after.entry().limits().volumeType()).isEqualTo("io2");
        assertThat(after.entry().growingToBytes()).isZero();
        assertThat(only(volume).state()).isEqualTo(VolumeModification.State.COMPLETED);
        assertThat(only(volume).endedAt()).contains(fixture.clock().instant());
    }

    @Test
    void theStatesAreToldAsEvents() {
        VolumeId volume = fixture.volume(GP3);
        List<String> told = new ArrayList<>();
        Events events = fixture.control().events();
        events.listen(events.last(), event -> {
            if (event.kind().equals("volume-modification") && event.id().equals(volume.toString())) {
                told.add(event.state());
            }
        });
        change(volume, Optional.of(2), GP3).join();
        assertThat(told).containsExactly("modifying", "optimizing", "completed");
    }

    private BlockStore extending(Supplier<CompletableFuture<Void>> extension) {
        return (BlockStore) Proxy.newProxyInstance(
                BlockStore.class.getClassLoader(), new Class<?>[] {BlockStore.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("extendVolume")) {
                        return extension.get();
                    }
                    try {
                        return method.invoke(fixture.store(), arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private ControlPlane plane(BlockStore store, int modificationsPerDay) {
        return ControlPlane.start(
                store,
                fixture.metadata(),
                new SecureRandom(),
                fixture.clock(),
                new ControlSettings(VolumeTypes.BUILT_IN, modificationsPerDay, QosLimits.UNLIMITED));
    }

    private CompletableFuture<VolumeView> change(VolumeId volume, Optional<Integer> sizeGiB, VolumeLimits limits) {
        return change(fixture.control(), volume, sizeGiB, limits);
    }

    private static CompletableFuture<VolumeView> change(
            ControlPlane plane, VolumeId volume, Optional<Integer> sizeGiB, VolumeLimits limits) {
        LimitsChange asked = new LimitsChange(
                Optional.of(limits.volumeType()), Optional.of(limits.iops()), Optional.of(limits.throughputMiBps()));
        VolumeChange change = new VolumeChange(sizeGiB, label -> label, asked, Optional.empty());
        return plane.volumes().change(volume, change, Precondition.NONE);
    }

    private VolumeModification only(VolumeId volume) {
        assertThat(modifications(volume)).hasSize(1);
        return modifications(volume).get(0);
    }

    private List<VolumeModification> modifications(VolumeId volume) {
        return fixture.control().volumes().modifications(volume, ListRequest.FIRST).items().stream()
                .map(VolumeModificationView::modification)
                .toList();
    }
}
