package io.varve.api.control;

import static io.varve.api.control.ControlFixture.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.BlockIo;
import io.varve.engine.Compression;
import io.varve.engine.QosShare;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Instances go through EC2's states, hold their volumes, and let go of them when they are terminated. */
class InstancesTest {
    @TempDir
    private Path directory;

    private ControlFixture fixture;
    private InstanceId instance;

    @BeforeEach
    void start() {
        fixture = new ControlFixture(directory);
        instance = create();
    }

    @AfterEach
    void stop() {
        fixture.close();
    }

    @Test
    void anInstanceGoesThroughItsLifeAndNeverBackFromItsEnd() {
        become(InstanceState.RUNNING).join();
        become(InstanceState.STOPPING).join();
        assertThat(refusal(become(InstanceState.RUNNING))).isEqualTo(ErrorCode.INCORRECT_INSTANCE_STATE);
        assertThat(become(InstanceState.STOPPED).join().settled()).isTrue();
        assertThat(become(InstanceState.PENDING).join().settled()).isFalse();
        assertThat(become(InstanceState.SHUTTING_DOWN).join().settled()).isFalse();
        assertThat(become(InstanceState.TERMINATED).join().settled()).isTrue();
        assertThat(refusal(become(InstanceState.RUNNING))).isEqualTo(ErrorCode.INCORRECT_INSTANCE_STATE);
        assertThat(refusal(attach(fixture.volume(), "/dev/sda", true))).isEqualTo(ErrorCode.INCORRECT_INSTANCE_STATE);
    }

    @Test
    void aTerminatedInstanceIsToldOfForAnHour() {
        become(InstanceState.TERMINATED).join();
        fixture.clock().advance(Duration.ofMinutes(59));
        fixture.control().tick();
        assertThat(instances().describe(instance).state()).isEqualTo("terminated");
        fixture.clock().advance(Duration.ofMinutes(1));
        fixture.control().tick();
        assertThat(instances().list(ListRequest.FIRST).items()).isEmpty();
    }

    @Test
    void anAttachedVolumeIsInUseAndCannotBeDeletedOrAttachedAgain() {
        VolumeId volume = fixture.volume();
        attach(volume, "/dev/sda", false).join();
        fixture.restart();
        assertThat(fixture.control().volumes().describe(volume).state()).isEqualTo("in-use");
        assertThat(refusal(delete(volume))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        assertThat(refusal(attach(volume, "/dev/sdb", false))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        assertThat(refusal(attach(fixture.volume(), "/dev/sda", false))).isEqualTo(ErrorCode.INVALID_PARAMETER_VALUE);
        detach(volume, false).join();
        assertThat(fixture.control().volumes().describe(volume).state()).isEqualTo("available");
        delete(volume).join();
        assertThat(refusal(detach(volume, false))).isEqualTo(ErrorCode.ATTACHMENT_NOT_FOUND);
        assertThat(refusal(attach(volume, "/dev/sda", false))).isEqualTo(ErrorCode.VOLUME_NOT_FOUND);
    }

    @Test
    void aVolumeThatIsOpenDetachesWhenItIsClosed() {
        VolumeId volume = fixture.volume();
        attach(volume, "/dev/sda", false).join();
        Volume open = fixture.store().open(volume).join();
        assertThat(instances().mayOpen(volume)).isTrue();
        assertThat(detach(volume, false).join().attachment(volume).orElseThrow().state())
                .isEqualTo("detaching");
        assertThat(instances().mayOpen(volume)).isFalse();
        fixture.control().tick();
        assertThat(instances().describe(instance).attachments()).hasSize(1);
        BlockIo.release(fixture.store(), volume, open);
        fixture.control().tick();
        assertThat(instances().describe(instance).attachments()).isEmpty();
    }

    @Test
    void aTerminationIsOverWhenTheVolumesThatGoWithTheInstanceAreDeleted() {
        VolumeId volume = fixture.volume();
        attach(volume, "/dev/sda", true).join();
        Volume open = fixture.store().open(volume).join();
        assertThat(become(InstanceState.TERMINATED).join().settled()).isFalse();
        fixture.control().tick();
        assertThat(instances().describe(instance).settled()).isFalse();
        BlockIo.release(fixture.store(), volume, open);
        fixture.control().tick();
        assertThat(instances().describe(instance).settled()).isTrue();
        assertThat(fixture.control().volumes().find(volume)).isEmpty();
    }

    @Test
    void terminationDeletesTheVolumesThatGoWithTheInstanceAndKeepsTheOthers() {
        VolumeId root = fixture.volume();
        VolumeId data = fixture.volume();
        attach(root, "/dev/sda", true).join();
        attach(data, "/dev/sdb", false).join();
        assertThat(become(InstanceState.TERMINATED).join().attachments()).isEmpty();
        assertThat(fixture.control().volumes().find(root)).isEmpty();
        assertThat(fixture.control().volumes().describe(data).state()).isEqualTo("available");
    }

    @Test
    void aTerminationThatACrashCutShortIsFinishedAfterTheNextStart() {
        for (int crashAt = 1; crashAt < 20; crashAt++) {
            instance = create();
            VolumeId root = fixture.volume();
            attach(root, "/dev/sda", true).join();
            fixture.restart();
            CrashPoints crash = new CrashPoints(crashAt);
            try (ControlPlane plane = ControlPlane.start(
                    fixture.store(),
                    crash.around(Metadata.class, fixture.metadata()),
                    new SecureRandom(),
                    fixture.clock())) {
                Throwable unused = plane.instances()
                        .become(instance, InstanceState.TERMINATED, Precondition.NONE, Connections.NONE)
                        .handle((done, failure) -> failure)
                        .join();
            }
            fixture.restart();
            fixture.control().tick();
            boolean terminated = instances().describe(instance).life() == InstanceState.TERMINATED;
            assertThat(fixture.control().volumes().find(root).isPresent()).isNotEqualTo(terminated);
            assertThat(instances().describe(instance).attachments()).hasSize(terminated ? 0 : 1);
            if (!crash.crashed()) {
                return;
            }
        }
        throw new AssertionError("the call never ran to its end");
    }

    @Test
    void aMultiAttachVolumeIsAttachedToSixteenInstancesAndGoesWithTheLast() {
        VolumeId volume = multiAttachVolume();
        InstanceId first = instance;
        attach(volume, "/dev/sdb", true).join();
        assertThat(refusal(attach(volume, "/dev/sdc", true))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        List<InstanceId> others = new ArrayList<>();
        for (int count = 1; count < Instances.MOST_OF_A_VOLUME; count++) {
            instance = create();
            others.add(instance);
            attach(volume, "/dev/sdb", true).join();
        }
        instance = create();
        assertThat(refusal(attach(volume, "/dev/sdb", true))).isEqualTo(ErrorCode.ATTACHMENT_LIMIT_EXCEEDED);
        fixture.restart();
        assertThat(fixture.control().volumes().describe(volume).attachments()).hasSize(Instances.MOST_OF_A_VOLUME);
        for (InstanceId other : others) {
            instance = other;
            assertThat(become(InstanceState.TERMINATED).join().attachments()).isEmpty();
            assertThat(instances().mayOpen(volume)).isTrue();
        }
        assertThat(refusal(delete(volume))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        instance = first;
        become(InstanceState.TERMINATED).join();
        assertThat(fixture.control().volumes().find(volume)).isEmpty();
    }

    @Test
    void theLastInstanceDecidesWhetherASharedVolumeGoesWithIt() {
        VolumeId volume = multiAttachVolume();
        InstanceId keeping = instance;
        attach(volume, "/dev/sdb", false).join();
        instance = create();
        attach(volume, "/dev/sdb", true).join();
        become(InstanceState.TERMINATED).join();
        instance = keeping;
        become(InstanceState.TERMINATED).join();
        assertThat(fixture.control().volumes().describe(volume).state()).isEqualTo("available");
    }

    @Test
    void anOpenVolumeLeavesAllInstancesButTheLastAtOnce() {
        VolumeId volume = multiAttachVolume();
        InstanceId last = instance;
        attach(volume, "/dev/sdb", false).join();
        instance = create();
        attach(volume, "/dev/sdb", false).join();
        Volume open = fixture.store().open(volume).join();
        assertThat(detach(volume, false).join().attachments()).isEmpty();
        assertThat(instances().mayOpen(volume)).isTrue();
        instance = last;
        assertThat(detach(volume, false).join().attachment(volume).orElseThrow().state())
                .isEqualTo("detaching");
        BlockIo.release(fixture.store(), volume, open);
        fixture.control().tick();
        assertThat(instances().describe(last).attachments()).isEmpty();
    }

    @Test
    void multiAttachEndsOnlyWhileOneInstanceHasTheVolumeAndIsNotOfEveryType() {
        VolumeId volume = multiAttachVolume();
        InstanceId first = instance;
        attach(volume, "/dev/sdb", false).join();
        instance = create();
        attach(volume, "/dev/sdb", false).join();
        assertThat(refusal(multiAttach(volume, false))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        detach(volume, false).join();
        assertThat(multiAttach(volume, false).join().entry().multiAttach()).isFalse();
        assertThat(refusal(attach(volume, "/dev/sdb", false))).isEqualTo(ErrorCode.VOLUME_IN_USE);
        assertThat(fixture.control().volumes().describe(volume).attachments())
                .extracting(VolumeAttachment::instance)
                .containsExactly(first);
        multiAttach(volume, true).join();
        attach(volume, "/dev/sdb", false).join();

        assertThat(refusal(multiAttach(fixture.volume(), true))).isEqualTo(ErrorCode.INVALID_PARAMETER_COMBINATION);
        assertThat(refusal(toType(volume, "gp3"))).isEqualTo(ErrorCode.INVALID_PARAMETER_COMBINATION);
        VolumeId io1 = io1Volume();
        assertThat(refusal(multiAttach(io1, true))).isEqualTo(ErrorCode.UNSUPPORTED_OPERATION);
    }

    private VolumeId multiAttachVolume() {
        return provisioned("io2", true);
    }

    private VolumeId io1Volume() {
        return provisioned("io1", false);
    }

    private VolumeId provisioned(String type, boolean multiAttach) {
        VolumeRequest request = new VolumeRequest(
                Optional.of(8),
                Optional.empty(),
                Optional.empty(),
                new VolumeLimits(type, 100, 0),
                QosShare.EVEN,
                multiAttach,
                Compression.AUTO,
                Label.NONE,
                Optional.empty());
        return fixture.control().volumes().create(request).join().record().id();
    }

    private CompletableFuture<VolumeView> multiAttach(VolumeId volume, boolean enabled) {
        return change(volume, LimitsChange.NONE, Optional.of(enabled));
    }

    private CompletableFuture<VolumeView> toType(VolumeId volume, String type) {
        return change(
                volume, new LimitsChange(Optional.of(type), Optional.empty(), Optional.empty()), Optional.empty());
    }

    private CompletableFuture<VolumeView> change(VolumeId volume, LimitsChange limits, Optional<Boolean> multiAttach) {
        VolumeChange change = new VolumeChange(
                Optional.empty(), label -> label, limits, share -> share, multiAttach, Optional.empty());
        return fixture.control().volumes().change(volume, change, Precondition.NONE);
    }

    @Test
    void theCallersNameIsTakenOnce() {
        InstanceId named = new InstanceId("i-0123456789abcdef0");
        Instances.Request request = new Instances.Request(Optional.of(named), Label.NONE, Optional.empty());
        assertThat(instances().create(request).join().id()).isEqualTo(named);
        assertThat(refusal(instances().create(request))).isEqualTo(ErrorCode.INSTANCE_ID_DUPLICATE);
    }

    private Instances instances() {
        return fixture.control().instances();
    }

    private InstanceId create() {
        return instances()
                .create(new Instances.Request(Optional.empty(), Label.NONE, Optional.empty()))
                .join()
                .id();
    }

    private CompletableFuture<InstanceEntry> become(InstanceState life) {
        return instances().become(instance, life, Precondition.NONE, Connections.NONE);
    }

    private CompletableFuture<InstanceEntry> attach(VolumeId volume, String device, boolean deleteOnTermination) {
        return instances().attach(instance, volume, device, deleteOnTermination, Precondition.NONE);
    }

    private CompletableFuture<InstanceEntry> detach(VolumeId volume, boolean force) {
        return instances().detach(instance, volume, force, Precondition.NONE, Connections.NONE);
    }

    private CompletableFuture<Void> delete(VolumeId volume) {
        return fixture.control().volumes().delete(volume, false, Precondition.NONE, Connections.NONE);
    }
}
