package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ec2.Ec2Client;
import software.amazon.awssdk.services.ec2.model.BlockDeviceMapping;
import software.amazon.awssdk.services.ec2.model.Ec2Exception;
import software.amazon.awssdk.services.ec2.model.Filter;
import software.amazon.awssdk.services.ec2.model.Image;
import software.amazon.awssdk.services.ec2.model.ImageState;
import software.amazon.awssdk.services.ec2.model.Instance;
import software.amazon.awssdk.services.ec2.model.InstanceStateName;
import software.amazon.awssdk.services.ec2.model.ResourceType;
import software.amazon.awssdk.services.ec2.model.Snapshot;
import software.amazon.awssdk.services.ec2.model.SnapshotState;
import software.amazon.awssdk.services.ec2.model.Tag;
import software.amazon.awssdk.services.ec2.model.TagSpecification;
import software.amazon.awssdk.services.ec2.model.Volume;
import software.amazon.awssdk.services.ec2.model.VolumeAttachment;
import software.amazon.awssdk.services.ec2.model.VolumeAttachmentState;
import software.amazon.awssdk.services.ec2.model.VolumeModification;
import software.amazon.awssdk.services.ec2.model.VolumeModificationState;
import software.amazon.awssdk.services.ec2.model.VolumeState;
import software.amazon.awssdk.services.ec2.model.VolumeType;

/** The AWS SDK for Java against the EC2 Query API: typed answers, waiters, paginators, errors, and who is let in. */
class Ec2SdkTest {
    private static final String ZONE = "varve-1a";
    private static final String NOWHERE = "vol-00000000000000000";

    @TempDir
    private Path directory;

    private RunningServer server;
    private Ec2Client ec2;

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
        ec2 = client("AKIDEXAMPLE", "secret");
    }

    private Ec2Client client(String keyId, String secret) {
        return Ec2Client.builder()
                .endpointOverride(URI.create(server.daemon().apiUri()))
                .region(Region.US_WEST_2)
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(keyId, secret)))
                .httpClient(UrlConnectionHttpClient.create())
                .overrideConfiguration(configuration -> configuration.retryStrategy(RetryMode.STANDARD))
                .build();
    }

    @AfterEach
    void stop() {
        ec2.close();
        server.close();
    }

    @Test
    void aVolumeGrowsIsAttachedSnapshottedAndDeleted() {
        String volume = ec2.createVolume(request -> request.availabilityZone(ZONE)
                        .size(10)
                        .volumeType(VolumeType.GP3)
                        .iops(3500)
                        .tagSpecifications(tags(ResourceType.VOLUME, "team", "red")))
                .volumeId();
        Volume available = ec2.waiter()
                .waitUntilVolumeAvailable(request -> request.volumeIds(volume))
                .matched()
                .response()
                .orElseThrow()
                .volumes()
                .get(0);
        assertThat(available.iops()).isEqualTo(3500);
        assertThat(available.encrypted()).isFalse();
        assertThat(available.tags()).containsExactly(tag("team", "red"));
        String instance = instance();
        ec2.attachVolume(
                request -> request.volumeId(volume).instanceId(instance).device("/dev/sdf"));
        ec2.waiter().waitUntilVolumeInUse(request -> request.volumeIds(volume));

        VolumeModification change = ec2.modifyVolume(
                        request -> request.volumeId(volume).size(12).throughput(200))
                .volumeModification();
        assertThat(change.modificationState()).isEqualTo(VolumeModificationState.COMPLETED);
        assertThat(change.originalSize()).isEqualTo(10);
        assertThat(change.targetSize()).isEqualTo(12);
        assertThat(change.targetThroughput()).isEqualTo(200);

        String snapshot = ec2.createSnapshot(request -> request.volumeId(volume).description("of the SDK"))
                .snapshotId();
        Snapshot completed = ec2.waiter()
                .waitUntilSnapshotCompleted(request -> request.snapshotIds(snapshot))
                .matched()
                .response()
                .orElseThrow()
                .snapshots()
                .get(0);
        assertThat(completed.volumeSize()).isEqualTo(12);
        assertThat(completed.completionTime()).isNotNull();
        ec2.detachVolume(request -> request.volumeId(volume).instanceId(instance));
        ec2.deleteSnapshot(request -> request.snapshotId(snapshot));
        ec2.deleteVolume(request -> request.volumeId(volume));
        ec2.waiter().waitUntilVolumeDeleted(request -> request.volumeIds(volume));
    }

    private String instance() {
        Instance instance = ec2.runInstances(
                        request -> request.minCount(1).maxCount(1).clientToken("one"))
                .instances()
                .get(0);
        assertThat(instance.state().name()).isEqualTo(InstanceStateName.RUNNING);
        return instance.instanceId();
    }

    private static TagSpecification tags(ResourceType kind, String key, String value) {
        return TagSpecification.builder()
                .resourceType(kind)
                .tags(tag(key, value))
                .build();
    }

    private static Tag tag(String key, String value) {
        return Tag.builder().key(key).value(value).build();
    }

    private static Filter where(String name, String... values) {
        return Filter.builder().name(name).values(values).build();
    }

    @Test
    void anImageKeepsItsSnapshotUntilBothGoTogether() {
        String snapshot =
                ec2.createSnapshot(request -> request.volumeId(newVolume(1))).snapshotId();
        String id = ec2.registerImage(request -> request.name("base")
                        .rootDeviceName("/dev/xvda")
                        .tagSpecifications(tags(ResourceType.IMAGE, "os", "linux"))
                        .blockDeviceMappings(BlockDeviceMapping.builder()
                                .deviceName("/dev/xvda")
                                .ebs(ebs -> ebs.snapshotId(snapshot)
                                        .volumeSize(3)
                                        .volumeType(VolumeType.GP3)
                                        .deleteOnTermination(true))
                                .build()))
                .imageId();
        Image image = ec2.waiter()
                .waitUntilImageAvailable(request -> request.imageIds(id))
                .matched()
                .response()
                .orElseThrow()
                .images()
                .get(0);
        assertThat(image.state()).isEqualTo(ImageState.AVAILABLE);
        assertThat(image.tags()).containsExactly(tag("os", "linux"));
        assertThat(image.blockDeviceMappings().get(0).ebs().snapshotId()).isEqualTo(snapshot);
        assertThat(image.blockDeviceMappings().get(0).ebs().volumeSize()).isEqualTo(3);
        refused("InvalidSnapshot.InUse", () -> ec2.deleteSnapshot(request -> request.snapshotId(snapshot)));

        assertThat(ec2.deregisterImage(request -> request.imageId(id).deleteAssociatedSnapshots(true))
                        .deleteSnapshotResults())
                .extracting(result -> result.snapshotId() + " " + result.returnCodeAsString())
                .containsExactly(snapshot + " success");
        refused("InvalidAMIID.NotFound", () -> ec2.describeImages(request -> request.imageIds(id)));
        refused("InvalidSnapshot.NotFound", () -> ec2.describeSnapshots(request -> request.snapshotIds(snapshot)));
    }

    private String newVolume(int sizeGiB) {
        return ec2.createVolume(request -> request.availabilityZone(ZONE).size(sizeGiB))
                .volumeId();
    }

    @Test
    void paginatorsSeeEachObjectOnce() {
        List<String> made = IntStream.range(0, 12).mapToObj(i -> newVolume(2)).toList();
        List<Integer> sizes = new ArrayList<>();
        List<String> seen = new ArrayList<>();
        ec2.describeVolumesPaginator(request -> request.maxResults(5).filters(where("size", "2")))
                .forEach(page -> {
                    sizes.add(page.volumes().size());
                    page.volumes().forEach(volume -> seen.add(volume.volumeId()));
                });
        assertThat(sizes).containsExactly(5, 5, 2);
        assertThat(seen).containsExactlyInAnyOrderElementsOf(made);

        made.forEach(volume -> ec2.createSnapshot(request -> request.volumeId(volume)));
        assertThat(ec2
                        .describeSnapshotsPaginator(
                                request -> request.maxResults(5).ownerIds("self"))
                        .stream()
                        .flatMap(page -> page.snapshots().stream())
                        .map(Snapshot::volumeId))
                .containsExactlyInAnyOrderElementsOf(made);
    }

    @Test
    void errorsHaveEc2sCodesAndStatuses() {
        assertThat(refused("InvalidVolume.NotFound", () -> ec2.describeVolumes(request -> request.volumeIds(NOWHERE)))
                        .statusCode())
                .isEqualTo(400);
        assertThat(refused(
                                "DryRunOperation",
                                () -> ec2.createVolume(request ->
                                        request.availabilityZone(ZONE).size(1).dryRun(true)))
                        .statusCode())
                .isEqualTo(412);
        refused(
                "InvalidZone.NotFound",
                () -> ec2.createVolume(
                        request -> request.availabilityZone("eu-north-1a").size(1)));
        refused("InvalidSnapshotID.Malformed", () -> ec2.deleteSnapshot(request -> request.snapshotId("snap-x")));
        refused(
                "UnsupportedOperation",
                () -> ec2.createVolume(
                        request -> request.availabilityZone(ZONE).size(1).encrypted(true)));
        refused("InvalidAction", () -> ec2.describeVpcs());
        Ec2Exception refusal = refused(
                "IdempotentParameterMismatch",
                () -> IntStream.rangeClosed(1, 2)
                        .forEach(size -> ec2.createVolume(request ->
                                request.availabilityZone(ZONE).size(size).clientToken("same"))));
        assertThat(refusal.requestId()).isNotEmpty();
    }

    private static Ec2Exception refused(String code, ThrowingCallable call) {
        Ec2Exception refusal = catchThrowableOfType(Ec2Exception.class, call);
        assertThat(refusal).as(code).isNotNull();
        assertThat(refusal.awsErrorDetails().errorCode()).isEqualTo(code);
        return refusal;
    }

    @Test
    void aKeyOpensTheDoorWithItsSecretOnlyAndItsRoleSaysHowFar() {
        JsonObject key = server.api()
                .post("/v1/access-keys", new JsonObject().put("role", "read"))
                .body();
        String id = key.getString("accessKeyId");
        refused("AuthFailure", () -> ec2.describeVolumes());
        try (Ec2Client wrong = client(id, "another");
                Ec2Client right = client(id, key.getString("secretAccessKey"))) {
            refused("AuthFailure", wrong::describeVolumes);
            assertThat(right.describeVolumes().volumes()).hasSize(1);
            refused("UnauthorizedOperation", () -> right.createVolume(request -> request.size(1)));
            assertThat(right.describeVolumes().volumes()).hasSize(1);
        }
    }

    /**
     * The calls of Terraform's AWS provider for aws_ebs_volume, aws_volume_attachment and aws_ebs_snapshot, in its
     * order.
     */
    @Test
    void terraformPlansAppliesAndDestroys() {
        String instance = instance();
        String volume = ec2.createVolume(request -> request.availabilityZone(ZONE)
                        .clientToken("terraform-20300131120000")
                        .size(10)
                        .volumeType(VolumeType.GP3)
                        .tagSpecifications(tags(ResourceType.VOLUME, "Name", "data")))
                .volumeId();
        assertThat(volumeById(volume).state()).isEqualTo(VolumeState.AVAILABLE);
        assertThat(volumeById(volume).tags()).containsExactly(tag("Name", "data"));

        assertThat(attachments(volume, instance)).isEmpty();
        assertThat(ec2.describeInstances(request -> request.instanceIds(instance))
                        .reservations()
                        .get(0)
                        .instances()
                        .get(0)
                        .state()
                        .name())
                .isEqualTo(InstanceStateName.RUNNING);
        ec2.attachVolume(
                request -> request.device("/dev/sdh").instanceId(instance).volumeId(volume));
        VolumeAttachment attachment = attachments(volume, instance).get(0);
        assertThat(attachment.state()).isEqualTo(VolumeAttachmentState.ATTACHED);
        assertThat(attachment.device()).isEqualTo("/dev/sdh");

        ec2.modifyVolume(request ->
                request.volumeId(volume).size(20).volumeType(VolumeType.GP3).iops(3000));
        assertThat(ec2.describeVolumesModifications(request -> request.volumeIds(volume))
                        .volumesModifications()
                        .get(0)
                        .modificationState())
                .isEqualTo(VolumeModificationState.COMPLETED);
        ec2.createTags(request -> request.resources(volume).tags(tag("team", "red")));
        ec2.deleteTags(request ->
                request.resources(volume).tags(Tag.builder().key("Name").build()));
        assertThat(volumeById(volume).tags()).containsExactly(tag("team", "red"));
        assertThat(volumeById(volume).size()).isEqualTo(20);

        String snapshot = ec2.createSnapshot(request -> request.volumeId(volume)
                        .description("nightly")
                        .tagSpecifications(tags(ResourceType.SNAPSHOT, "Name", "nightly")))
                .snapshotId();
        Supplier<Snapshot> read = () -> ec2.describeSnapshots(request -> request.snapshotIds(snapshot))
                .snapshots()
                .get(0);
        assertThat(read.get().state()).isEqualTo(SnapshotState.COMPLETED);
        assertThat(read.get().storageTierAsString()).isEqualTo("standard");
        assertThat(read.get().ownerId()).isEqualTo("000000000000");
        ec2.deleteSnapshot(request -> request.snapshotId(snapshot));
        refused("InvalidSnapshot.NotFound", read::get);

        ec2.detachVolume(request ->
                request.device("/dev/sdh").force(false).instanceId(instance).volumeId(volume));
        assertThat(attachments(volume, instance)).isEmpty();
        ec2.deleteVolume(request -> request.volumeId(volume));
        refused("InvalidVolume.NotFound", () -> volumeById(volume));
    }

    private Volume volumeById(String id) {
        return ec2.describeVolumes(request -> request.volumeIds(id)).volumes().get(0);
    }

    private List<VolumeAttachment> attachments(String volume, String instance) {
        return ec2
                .describeVolumes(request -> request.volumeIds(volume)
                        .filters(where("attachment.device", "/dev/sdh"), where("attachment.instance-id", instance)))
                .volumes()
                .stream()
                .flatMap(found -> found.attachments().stream())
                .toList();
    }
}
