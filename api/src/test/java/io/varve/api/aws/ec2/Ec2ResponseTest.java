package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Fixture.first;
import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.access.Role;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every element of an answer is where the service model of the AWS SDK has it: {@link Ec2Fixture#done} looks. */
class Ec2ResponseTest {
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

    @Test
    void everyReadingActionAnswersAsTheModelSays() {
        String instance = ec2.instanceWithVolume("/dev/sdf");
        String image = ec2.imageOf(instance, "image");
        String volume = first(ec2.done("DescribeVolumes"), "volumeId");
        ec2.done("ModifyVolume", "VolumeId", volume, "Size", "2");
        String snapshot = first(ec2.done("DescribeSnapshots"), "snapshotId");
        ec2.done("CreateTags", "ResourceId.1", volume, "Tag.1.Key", "k", "Tag.1.Value", "v");
        ec2.done("LockSnapshot", "SnapshotId", snapshot, "LockMode", "governance", "LockDuration", "1");
        Map<String, String[]> needed = Map.of(
                "DescribeVolumeAttribute", new String[] {"VolumeId", volume, "Attribute", "autoEnableIO"},
                "DescribeSnapshotAttribute",
                        new String[] {"SnapshotId", snapshot, "Attribute", "createVolumePermission"},
                "DescribeImageAttribute", new String[] {"ImageId", image, "Attribute", "blockDeviceMapping"},
                "DescribeInstanceAttribute", new String[] {"InstanceId", instance, "Attribute", "blockDeviceMapping"});

        List<String> answered = ec2.actions().all().stream()
                .filter(action -> action.needs() == Role.READ)
                .map(Ec2Action::name)
                .filter(action -> ec2.done(action, needed.getOrDefault(action, new String[0]))
                                .status()
                        == 200)
                .toList();

        assertThat(answered).hasSizeGreaterThan(20);
    }

    @Test
    void changesAreAnsweredAsTheModelSays() {
        String instance = ec2.instanceWithVolume("/dev/sdf");
        String volume = first(ec2.done("DescribeVolumes"), "volumeId");
        ec2.done("CopyVolumes", "SourceVolumeId", volume);
        String snapshot = first(ec2.done("CreateSnapshot", "VolumeId", volume), "snapshotId");
        ec2.done("CreateSnapshots", "InstanceSpecification.InstanceId", instance);
        ec2.done("CopySnapshot", "SourceSnapshotId", snapshot, "SourceRegion", "varve-1");
        ec2.done("LockSnapshot", "SnapshotId", snapshot, "LockMode", "governance", "LockDuration", "1");
        ec2.done("UnlockSnapshot", "SnapshotId", snapshot);
        ec2.done("EnableFastSnapshotRestores", "SourceSnapshotId.1", snapshot, "AvailabilityZone.1", "varve-1a");
        ec2.done("DisableFastSnapshotRestores", "SourceSnapshotId.1", snapshot, "AvailabilityZone.1", "varve-1a");
        ec2.done("ModifySnapshotAttribute", "SnapshotId", snapshot);
        ec2.done("EnableSnapshotBlockPublicAccess", "State", "block-all-sharing");
        ec2.done("EnableVolumeIO", "VolumeId", volume);
        ec2.done("StopInstances", "InstanceId.1", instance);
        ec2.done("StartInstances", "InstanceId.1", instance);
        ec2.done("RebootInstances", "InstanceId.1", instance);
        String image = first(
                ec2.done(
                        "RegisterImage",
                        "Name",
                        "image",
                        "BlockDeviceMapping.1.DeviceName",
                        "/dev/sda1",
                        "BlockDeviceMapping.1.Ebs.SnapshotId",
                        snapshot),
                "imageId");
        ec2.done("EnableImageDeprecation", "ImageId", image, "DeprecateAt", "2999-01-01T00:00:00Z");
        ec2.done("DescribeImages");
        ec2.done("DisableImageDeprecation", "ImageId", image);
        ec2.done("EnableImageDeregistrationProtection", "ImageId", image);
        ec2.done("DisableImageDeregistrationProtection", "ImageId", image);
        ec2.done("ModifyImageAttribute", "ImageId", image, "Description.Value", "another");
        ec2.done("DeregisterImage", "ImageId", image);
        ec2.done("DetachVolume", "VolumeId", volume);
        ec2.done("DeleteTags", "ResourceId.1", volume);
        ec2.done("DeleteSnapshot", "SnapshotId", snapshot);
        ec2.done("DeleteVolume", "VolumeId", volume);
        ec2.done("TerminateInstances", "InstanceId.1", instance);
    }
}
