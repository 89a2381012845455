package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Fixture.first;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.aws.AwsAnswer;
import io.varve.api.control.Label;
import io.varve.api.control.RetentionRule;
import io.varve.api.control.RetentionRules;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the face says is what the control plane knows. */
class Ec2AnswersTest {
    @TempDir
    Path directory;

    private Ec2Fixture ec2;

    @BeforeEach
    void start() {
        ec2 = new Ec2Fixture(directory);
    }

    @AfterEach
    void stop() {
        ec2.close();
    }

    private String code(String action, String... namesAndValues) {
        AwsAnswer answer = ec2.call(action, namesAndValues);
        assertThat(answer.status()).as(answer.body().toString()).isBetween(400, 499);
        return first(answer, "Code");
    }

    @Test
    void anImageOfAnInstanceTagsItselfAndItsSnapshotsEachWithItsOwn() {
        String volume = first(ec2.done("CreateVolume", "Size", "1"), "volumeId");
        String instance = ec2.instance();
        ec2.done("AttachVolume", "VolumeId", volume, "InstanceId", instance, "Device", "/dev/sdf");
        ec2.done(
                "CreateImage",
                "InstanceId",
                instance,
                "Name",
                "image",
                "TagSpecification.1.ResourceType",
                "image",
                "TagSpecification.1.Tag.1.Key",
                "of",
                "TagSpecification.1.Tag.1.Value",
                "the-image",
                "TagSpecification.2.ResourceType",
                "snapshot",
                "TagSpecification.2.Tag.1.Key",
                "of",
                "TagSpecification.2.Tag.1.Value",
                "its-snapshot");

        assertThat(ec2.done("DescribeImages").body().toString())
                .contains("the-image")
                .doesNotContain("its-snapshot");
        assertThat(ec2.done("DescribeSnapshots").body().toString())
                .contains("its-snapshot")
                .doesNotContain("the-image");
    }

    @Test
    void snapshotsOfAnInstanceHaveTheTagsOfTheirVolumesIfThatIsWanted() {
        String instance = ec2.instanceWithVolume("/dev/sdf");
        String volume = first(ec2.done("DescribeVolumes"), "volumeId");
        ec2.done("CreateTags", "ResourceId.1", volume, "Tag.1.Key", "team", "Tag.1.Value", "red");
        ec2.done("CreateTags", "ResourceId.1", volume, "Tag.1.Key", "kind", "Tag.1.Value", "data");
        String[] snapshots = {
            "InstanceSpecification.InstanceId",
            instance,
            "TagSpecification.1.ResourceType",
            "snapshot",
            "TagSpecification.1.Tag.1.Key",
            "kind",
            "TagSpecification.1.Tag.1.Value",
            "backup",
            "CopyTagsFromSource",
            "volume"
        };
        assertThat(ec2.done("CreateSnapshots", snapshots).body().toString())
                .contains("<key>team</key><value>red</value>")
                .contains("<key>kind</key><value>backup</value>")
                .doesNotContain("<value>data</value>");
        snapshots[9] = "instance";
        assertThat(code("CreateSnapshots", snapshots)).isEqualTo("InvalidParameterValue");
    }

    @Test
    void multiAttachIsWhatTheVolumeHas() {
        String volume = first(
                ec2.done("CreateVolume", "Size", "8", "VolumeType", "io2", "Iops", "100", "MultiAttachEnabled", "true"),
                "volumeId");
        String plain = first(ec2.done("CreateVolume", "Size", "1", "MultiAttachEnabled", "false"), "volumeId");
        assertThat(first(ec2.done("DescribeVolumes", "VolumeId.1", volume), "multiAttachEnabled"))
                .isEqualTo("true");
        assertThat(ec2.done("DescribeVolumes", "Filter.1.Name", "multi-attach-enabled", "Filter.1.Value.1", "false")
                        .body()
                        .toString())
                .contains(plain)
                .doesNotContain(volume);

        String one = ec2.instance();
        String other = ec2.instance();
        ec2.done("AttachVolume", "VolumeId", volume, "InstanceId", one, "Device", "/dev/sdf");
        ec2.done("AttachVolume", "VolumeId", volume, "InstanceId", other, "Device", "/dev/sdf");
        assertThat(code("ModifyVolume", "VolumeId", volume, "MultiAttachEnabled", "false"))
                .isEqualTo("VolumeInUse");
        assertThat(code("DetachVolume", "VolumeId", volume)).isEqualTo("MissingParameter");
        assertThat(first(ec2.done("DetachVolume", "VolumeId", volume, "InstanceId", other), "instanceId"))
                .isEqualTo(other);

        AwsAnswer modified = ec2.done("ModifyVolume", "VolumeId", volume, "MultiAttachEnabled", "false");
        assertThat(first(modified, "originalMultiAttachEnabled")).isEqualTo("true");
        assertThat(first(modified, "targetMultiAttachEnabled")).isEqualTo("false");
        assertThat(first(ec2.done("DescribeVolumes", "VolumeId.1", volume), "multiAttachEnabled"))
                .isEqualTo("false");
        assertThat(ec2.done(
                                "DescribeVolumesModifications",
                                "Filter.1.Name",
                                "originalMultiAttachEnabled",
                                "Filter.1.Value.1",
                                "true")
                        .body()
                        .toString())
                .contains(volume);
    }

    @Test
    void idsThatAreAskedForAreNoFilterValues() {
        List<String> parameters = new ArrayList<>(List.of("Filter.1.Name", "size"));
        IntStream.rangeClosed(1, 200)
                .forEach(i -> parameters.addAll(List.of("Filter.1.Value." + i, String.valueOf(i))));
        String first = first(ec2.done("CreateVolume", "Size", "1"), "volumeId");
        String second = first(ec2.done("CreateVolume", "Size", "201"), "volumeId");
        String third = first(ec2.done("CreateVolume", "Size", "1"), "volumeId");
        parameters.addAll(List.of("VolumeId.1", first, "VolumeId.2", second));

        assertThat(ec2.done("DescribeVolumes", parameters.toArray(String[]::new))
                        .body()
                        .toString())
                .contains(first)
                .doesNotContain(second)
                .doesNotContain(third);
    }

    @Test
    void volumesAreFoundByHowWellTheyAre() {
        String volume = first(ec2.done("CreateVolume", "Size", "1"), "volumeId");
        String[] well = {"Filter.1.Name", "volume-status.status", "Filter.1.Value.1", "ok"};

        assertThat(ec2.done("DescribeVolumeStatus", well).body().toString()).contains(volume);
        well[3] = "impaired";
        assertThat(ec2.done("DescribeVolumeStatus", well).body().toString()).doesNotContain(volume);
    }

    @Test
    void theStateOfFastRestoresIsTheirFilterOnly() {
        String volume = first(ec2.done("CreateVolume", "Size", "1"), "volumeId");
        String snapshot = first(ec2.done("CreateSnapshot", "VolumeId", volume), "snapshotId");

        assertThat(ec2.done("DescribeFastSnapshotRestores", "Filter.1.Name", "state", "Filter.1.Value.1", "enabled")
                        .body()
                        .toString())
                .contains(snapshot);
        assertThat(ec2.done("DescribeFastSnapshotRestores", "Filter.1.Name", "state", "Filter.1.Value.1", "disabled")
                        .body()
                        .toString())
                .doesNotContain(snapshot);
        assertThat(code("DescribeSnapshots", "Filter.1.Name", "availability-zone", "Filter.1.Value.1", "varve-1a"))
                .isEqualTo("InvalidParameterValue");
        assertThat(code("DescribeLockedSnapshots", "Filter.1.Name", "state", "Filter.1.Value.1", "enabled"))
                .isEqualTo("InvalidParameterValue");
    }

    @Test
    void theDurationOfALockThatIsMadeLongerBeginsAnew() {
        String volume = first(ec2.done("CreateVolume", "Size", "1"), "volumeId");
        String snapshot = first(ec2.done("CreateSnapshot", "VolumeId", volume), "snapshotId");
        ec2.done("LockSnapshot", "SnapshotId", snapshot, "LockMode", "compliance", "LockDuration", "10");
        ec2.clock().advance(Duration.ofDays(4));
        Instant longer = ec2.clock().instant();
        ec2.done("LockSnapshot", "SnapshotId", snapshot, "LockMode", "compliance", "LockDuration", "30");

        AwsAnswer locked = ec2.done("DescribeLockedSnapshots", "SnapshotId.1", snapshot);
        assertThat(first(locked, "lockDuration")).isEqualTo("30");
        assertThat(Instant.parse(first(locked, "lockDurationStartTime"))).isEqualTo(longer);
        assertThat(Instant.parse(first(locked, "lockCreatedOn"))).isEqualTo(longer.minus(Duration.ofDays(4)));
        assertThat(Instant.parse(first(locked, "lockExpiresOn"))).isEqualTo(longer.plus(Duration.ofDays(30)));
    }

    @Test
    void aDisabledImageIsShownToWhoAsksForItAndCopiedByNobodyUntilItIsEnabled() {
        String image = ec2.imageOf(ec2.instanceWithVolume("/dev/sdf"), "image");
        ec2.done("DisableImage", "ImageId", image);

        assertThat(ec2.done("DescribeImages").body().toString()).doesNotContain(image);
        assertThat(first(ec2.done("DescribeImages", "IncludeDisabled", "true"), "imageState"))
                .isEqualTo("disabled");
        assertThat(code("CopyImage", "SourceImageId", image, "SourceRegion", "varve-1", "Name", "copy"))
                .isEqualTo("InvalidAMIID.Unavailable");
        ec2.done("EnableImage", "ImageId", image);
        assertThat(first(ec2.done("DescribeImages", "ImageId.1", image), "imageState"))
                .isEqualTo("available");
    }

    @Test
    void aCopyOfAnImageHasSnapshotsOfItsOwn() {
        String image = ec2.imageOf(ec2.instanceWithVolume("/dev/sdf"), "image");
        ec2.done("CreateTags", "ResourceId.1", image, "Tag.1.Key", "team", "Tag.1.Value", "red");
        String[] copying = {
            "SourceImageId",
            image,
            "SourceRegion",
            "eu-west-1",
            "Name",
            "copy",
            "CopyImageTags",
            "true",
            "ClientToken",
            "t"
        };
        String copy = first(ec2.done("CopyImage", copying), "imageId");
        assertThat(first(ec2.done("CopyImage", copying), "imageId")).isEqualTo(copy);

        AwsAnswer copied = ec2.done("DescribeImages", "ImageId.1", copy);
        assertThat(first(copied, "deviceName")).isEqualTo("/dev/sdf");
        assertThat(copied.body().toString()).contains("<key>team</key><value>red</value>");
        String own = first(copied, "snapshotId");
        assertThat(own).isNotEqualTo(first(ec2.done("DescribeImages", "ImageId.1", image), "snapshotId"));
        ec2.done("DeregisterImage", "ImageId", image, "DeleteAssociatedSnapshots", "true");
        assertThat(first(ec2.done("DescribeSnapshots"), "snapshotId")).isEqualTo(own);
    }

    @Test
    void anImageInTheBinIsListedAndComesBack() {
        ec2.control()
                .retentionRules()
                .create(new RetentionRules.Request(
                        Label.NONE, "", RetentionRule.Resource.IMAGE, Map.of(), 1, 0, Optional.empty()))
                .join();
        String image = ec2.imageOf(ec2.instanceWithVolume("/dev/sdf"), "image");
        ec2.done("DeregisterImage", "ImageId", image);

        AwsAnswer binned = ec2.done("ListImagesInRecycleBin", "ImageId.1", image);
        assertThat(first(binned, "name")).isEqualTo("image");
        Instant entered = Instant.parse(first(binned, "recycleBinEnterTime"));
        assertThat(Instant.parse(first(binned, "recycleBinExitTime"))).isEqualTo(entered.plus(Duration.ofDays(1)));
        ec2.done("RestoreImageFromRecycleBin", "ImageId", image);
        assertThat(first(ec2.done("DescribeImages"), "imageId")).isEqualTo(image);
        assertThat(code("RestoreImageFromRecycleBin", "ImageId", image)).isEqualTo("InvalidAMIID.NotFound");
    }

    @Test
    void whatIsSaidOfAVolumesEndHoldsWhenItsInstanceEnds() {
        String instance = ec2.instanceWithVolume("/dev/sdf");
        assertThat(code("ModifyInstanceAttribute", "InstanceId", instance)).isEqualTo("InvalidParameterCombination");
        assertThat(code(
                        "ModifyInstanceAttribute",
                        "InstanceId",
                        instance,
                        "BlockDeviceMapping.1.DeviceName",
                        "/dev/sdg",
                        "BlockDeviceMapping.1.Ebs.DeleteOnTermination",
                        "true"))
                .isEqualTo("InvalidAttachment.NotFound");
        assertThat(code("ModifyInstanceAttribute", "InstanceId", instance, "InstanceType.Value", "m5.large"))
                .isEqualTo("UnsupportedOperation");
        ec2.done(
                "ModifyInstanceAttribute",
                "InstanceId",
                instance,
                "BlockDeviceMapping.1.DeviceName",
                "/dev/sdf",
                "BlockDeviceMapping.1.Ebs.DeleteOnTermination",
                "true");

        assertThat(first(ec2.done("DescribeVolumes"), "deleteOnTermination")).isEqualTo("true");
        ec2.done("TerminateInstances", "InstanceId.1", instance);
        assertThat(ec2.control().volumes().list()).isEmpty();
    }

    @Test
    void theStatusOfAnInstanceIsToldWhileItRuns() {
        String instance = ec2.instanceWithVolume("/dev/sdf");
        AwsAnswer running = ec2.done("DescribeInstanceStatus", "InstanceId.1", instance);
        assertThat(running.body().toString())
                .contains("<instanceStatus><status>ok</status>")
                .contains("<attachedEbsStatus><status>ok</status>");
        ec2.done("StopInstances", "InstanceId.1", instance);
        assertThat(ec2.done("DescribeInstanceStatus").body().toString()).doesNotContain(instance);
        assertThat(ec2.done("DescribeInstanceStatus", "IncludeAllInstances", "true")
                        .body()
                        .toString())
                .contains(instance)
                .contains("<instanceStatus><status>not-applicable</status>");
    }

    @Test
    void anInstanceIsRunFromAnImageWithDisksThatAreOtherwise() {
        String image = ec2.imageOf(ec2.instanceWithVolume("/dev/sda1"), "image");
        AwsAnswer run = ec2.done(
                "RunInstances",
                "ImageId",
                image,
                "MinCount",
                "1",
                "MaxCount",
                "1",
                "BlockDeviceMapping.1.DeviceName",
                "/dev/sda1",
                "BlockDeviceMapping.1.Ebs.VolumeSize",
                "3",
                "BlockDeviceMapping.2.DeviceName",
                "/dev/sdb",
                "BlockDeviceMapping.2.Ebs.VolumeSize",
                "2",
                "TagSpecification.1.ResourceType",
                "volume",
                "TagSpecification.1.Tag.1.Key",
                "of",
                "TagSpecification.1.Tag.1.Value",
                "launch");
        String instance = first(run, "instanceId");
        assertThat(first(run, "imageId")).isEqualTo(image);
        assertThat(run.body().toString()).contains("<name>running</name>");
        assertThat(ec2.done("DescribeInstances", "Filter.1.Name", "image-id", "Filter.1.Value.1", image)
                        .body()
                        .toString())
                .contains(instance);
        String volumes = ec2.done("DescribeVolumes", "Filter.1.Name", "tag:of", "Filter.1.Value.1", "launch")
                .body()
                .toString();
        assertThat(volumes)
                .contains("<size>3</size>", "<size>2</size>", "<volumeType>gp2</volumeType>")
                .contains("<device>/dev/sda1</device>", "<device>/dev/sdb</device>");

        assertThat(code("RunInstances", "ImageId", "ami-00000000000000000")).isEqualTo("InvalidAMIID.NotFound");
        assertThat(code("RunInstances", "ImageId", image, "MaxCount", "2")).isEqualTo("InvalidParameterValue");
        assertThat(code(
                        "RunInstances",
                        "BlockDeviceMapping.1.DeviceName",
                        "/dev/sdb",
                        "BlockDeviceMapping.1.Ebs.VolumeSize",
                        "2"))
                .isEqualTo("MissingParameter");
        assertThat(code(
                        "RunInstances",
                        "ImageId",
                        image,
                        "BlockDeviceMapping.1.DeviceName",
                        "/dev/sda1",
                        "BlockDeviceMapping.1.NoDevice",
                        ""))
                .isEqualTo("InvalidBlockDeviceMapping");
    }

    @Test
    void thereAreNoInstanceTypes() {
        assertThat(ec2.done("DescribeInstanceTypes").body().toString()).contains("<instanceTypeSet></instanceTypeSet>");
        assertThat(code("DescribeInstanceTypes", "InstanceType.1", "t3.micro")).isEqualTo("InvalidInstanceType");
        assertThat(code("DescribeInstanceTypes", "NextToken", "x")).isEqualTo("InvalidNextToken");
    }
}
