package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
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

/** An instance comes with clones of an image's disks, all or none. */
class InstanceLaunchesTest {
    private static final String ROOT = "/dev/sda1";
    private static final String DATA = "/dev/sdb";
    private static final int MORE_STEPS_THAN_THE_CALL_HAS = 40;
    private static final Label LABEL = new Label(Optional.empty(), Map.of("team", "red"));

    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private SnapshotId root;
    private SnapshotId data;
    private ImageEntry image;
    private int volumesBefore;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        root = fixture.snapshot(fixture.volume());
        data = fixture.snapshot(fixture.volume());
        image = fixture.control()
                .images()
                .register(new Images.Request(
                        new Label(Optional.of("web"), Map.of()),
                        "",
                        Optional.of(ROOT),
                        List.of(disk(ROOT, root, true), disk(DATA, data, false)),
                        false,
                        Optional.empty()))
                .join();
        volumesBefore = volumes().size();
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void anInstanceHasTheDisksOfItsImage() {
        InstanceEntry instance = launch(Optional.empty()).join();

        assertThat(instance.life()).isEqualTo(InstanceState.PENDING);
        assertThat(instance.launch()).contains(new InstanceEntry.Launch(image.id()));
        assertThat(instance.attachments())
                .extracting(one -> one.deviceName() + " " + one.deleteOnTermination() + " " + origin(one.volume()))
                .containsExactly(ROOT + " true " + root, DATA + " false " + data);
        VolumeView made = fixture.control()
                .volumes()
                .describe(instance.attachments().get(0).volume());
        assertThat(made.state()).isEqualTo("in-use");
        assertThat(made.entry().label()).isEqualTo(LABEL);
        fixture.restart();
        assertThat(fixture.control().instances().describe(instance.id())).isEqualTo(instance);
    }

    private SnapshotId origin(VolumeId volume) {
        return fixture.control().volumes().describe(volume).origin().orElseThrow();
    }

    @Test
    void disksAreOtherwiseThanInTheImageIfThatIsAskedFor() {
        InstanceLaunches.Disk larger = new InstanceLaunches.Disk(
                ROOT,
                false,
                Optional.empty(),
                Optional.of(5),
                new LimitsChange(Optional.of("gp3"), Optional.empty(), Optional.empty()),
                Optional.of(false));
        InstanceLaunches.Disk more = disk("/dev/sdc", Optional.empty(), Optional.of(2));
        InstanceEntry instance =
                launch(Optional.empty(), larger, leftOut(DATA), more).join();

        assertThat(instance.attachments())
                .extracting(one -> one.deviceName() + " " + one.deleteOnTermination())
                .containsExactly(ROOT + " false", "/dev/sdc true");
        VolumeView first = fixture.control()
                .volumes()
                .describe(instance.attachments().get(0).volume());
        assertThat(first.record().sizeBytes()).isEqualTo(5L << 30);
        assertThat(first.entry().limits().volumeType()).isEqualTo("gp3");
        assertThat(first.origin()).contains(root);
        VolumeView second = fixture.control()
                .volumes()
                .describe(instance.attachments().get(1).volume());
        assertThat(second.record().sizeBytes()).isEqualTo(2L << 30);
        assertThat(second.origin()).isEmpty();
    }

    @Test
    void aLaunchThatIsRefusedLeavesNothing() {
        InstanceLaunches.Disk tooSmall = disk("/dev/sdc", Optional.empty(), Optional.empty());
        assertThat(refusal(launch(Optional.empty(), tooSmall))).isEqualTo(ErrorCode.MISSING_PARAMETER);
        assertThat(refusal(launch(Optional.empty(), leftOut(ROOT)))).isEqualTo(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING);
        assertThat(refusal(launch(Optional.empty(), leftOut("/dev/sdz"))))
                .isEqualTo(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING);
        assertThat(refusal(launch(Optional.empty(), leftOut(DATA), leftOut(DATA))))
                .isEqualTo(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING);
        fixture.control()
                .images()
                .change(image.id(), old -> old.disabled(true), Precondition.NONE)
                .join();
        assertThat(refusal(launch(Optional.empty()))).isEqualTo(ErrorCode.IMAGE_UNAVAILABLE);

        assertThat(volumes()).hasSize(volumesBefore);
        assertThat(instances()).isEmpty();
    }

    @Test
    void aTokenLaunchesOneInstance() {
        InstanceEntry instance = launch(Optional.of("t")).join();
        assertThat(launch(Optional.of("t")).join()).isEqualTo(instance);
        assertThat(refusal(launch(Optional.of("t"), leftOut(DATA)))).isEqualTo(ErrorCode.IDEMPOTENT_PARAMETER_MISMATCH);
    }

    @Test
    void aLaunchIsWholeOrNeverWasHoweverItIsCutShort() {
        boolean whole = false;
        for (int crashAt = 1; crashAt < MORE_STEPS_THAN_THE_CALL_HAS; crashAt++) {
            boolean crashed = crash(crashAt);
            assertThat(fixture.store().volumes()).hasSameSizeAs(volumes());
            assertThat(fixture.metadata().volumes().all()).hasSameSizeAs(volumes());
            assertThat(volumes()).hasSize(volumesBefore + 2 * instances().size());
            for (InstanceEntry instance : instances()) {
                assertThat(instance.attachments())
                        .allMatch(one ->
                                fixture.control().volumes().find(one.volume()).isPresent());
            }
            whole |= crashed && instances().size() == 1;
            if (!crashed) {
                assertThat(crashAt).isGreaterThan(6);
                assertThat(whole)
                        .as("some crashes came after all volumes were made")
                        .isTrue();
                return;
            }
        }
        throw new AssertionError("the call never ran to its end");
    }

    private ControlPlane dying(CrashPoints crash) {
        return ControlPlane.start(
                crash.around(BlockStore.class, fixture.store()),
                crash.around(Metadata.class, fixture.metadata()),
                new SecureRandom(),
                fixture.clock());
    }

    private boolean crash(int crashAt) {
        fixture.restart();
        CrashPoints crash = new CrashPoints(crashAt);
        try (ControlPlane plane = dying(crash)) {
            Throwable unused = plane.instanceLaunches()
                    .launch(request(Optional.empty()))
                    .handle((done, failure) -> failure)
                    .join();
        }
        fixture.restart();
        return crash.crashed();
    }

    private List<VolumeView> volumes() {
        return fixture.control().volumes().list();
    }

    private List<InstanceEntry> instances() {
        return fixture.control().instances().list(ListRequest.FIRST).items();
    }

    private CompletableFuture<InstanceEntry> launch(Optional<String> token, InstanceLaunches.Disk... disks) {
        return fixture.control().instanceLaunches().launch(request(token, disks));
    }

    private InstanceLaunches.Request request(Optional<String> token, InstanceLaunches.Disk... disks) {
        return new InstanceLaunches.Request(
                Optional.empty(), image.id(), List.of(disks), Label.NONE, LABEL, VolumeLimits.LOCAL, token);
    }

    private static InstanceLaunches.Disk leftOut(String device) {
        return new InstanceLaunches.Disk(
                device, true, Optional.empty(), Optional.empty(), LimitsChange.NONE, Optional.empty());
    }

    private static InstanceLaunches.Disk disk(String device, Optional<SnapshotId> of, Optional<Integer> sizeGiB) {
        return new InstanceLaunches.Disk(device, false, of, sizeGiB, LimitsChange.NONE, Optional.empty());
    }

    private static Images.Disk disk(String device, SnapshotId of, boolean deleteOnTermination) {
        return new Images.Disk(device, of, Optional.empty(), VolumeLimits.NONE, deleteOnTermination);
    }
}
