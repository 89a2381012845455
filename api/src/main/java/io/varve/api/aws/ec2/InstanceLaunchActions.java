package io.varve.api.aws.ec2;

import static io.varve.api.aws.ec2.Ec2Action.TAGS;
import static io.varve.api.aws.ec2.Ec2Action.changing;

import io.varve.api.control.Connections;
import io.varve.api.control.InstanceEntry;
import io.varve.api.control.InstanceLaunches;
import io.varve.api.control.InstanceState;
import io.varve.api.control.Instances;
import io.varve.api.control.LimitsChange;
import io.varve.api.control.Precondition;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** RunInstances: an instance with the disks of an image, or one without any. */
final class InstanceLaunchActions {
    private static final int MOST_GIB = 65_536;
    private static final int MOST_FIGURE = 999_999_999;
    private static final String MAPPING = "BlockDeviceMapping";
    private static final String NO_KEYS = "volumes are not encrypted here";
    private static final String ONE_ZONE = "there is one zone";

    private static final String[] IGNORED_AT_LAUNCH = {
        "AdditionalInfo",
        "CapacityReservationSpecification.*",
        "CpuOptions.*",
        "CreditSpecification.*",
        "DisableApiStop",
        "DisableApiTermination",
        "EbsOptimized",
        "ElasticGpuSpecification.*",
        "ElasticInferenceAccelerator.*",
        "EnablePrimaryIpv6",
        "EnclaveOptions.*",
        "HibernationOptions.*",
        "IamInstanceProfile.*",
        "InstanceInitiatedShutdownBehavior",
        "InstanceMarketOptions.*",
        "InstanceType",
        "Ipv6Address.*",
        "Ipv6AddressCount",
        "KernelId",
        "KeyName",
        "LicenseSpecification.*",
        "MaintenanceOptions.*",
        "MetadataOptions.*",
        "Monitoring.*",
        "NetworkInterface.*",
        "NetworkPerformanceOptions.*",
        "Operator.*",
        "Placement.*",
        "PrivateDnsNameOptions.*",
        "PrivateIpAddress",
        "RamdiskId",
        "SecurityGroup.*",
        "SecurityGroupId.*",
        "SubnetId",
        "UserData"
    };

    private final Instances instances;
    private final InstanceLaunches launches;
    private final Connections connections;

    InstanceLaunchActions(Instances instances, InstanceLaunches launches, Connections connections) {
        this.instances = instances;
        this.launches = launches;
        this.connections = connections;
    }

    List<Ec2Action> all() {
        return List.of(changing("RunInstances")
                .done("ImageId", "MinCount", "MaxCount", "ClientToken")
                .done("BlockDeviceMapping.N.DeviceName", "BlockDeviceMapping.N.NoDevice")
                .done("BlockDeviceMapping.N.Ebs.SnapshotId", "BlockDeviceMapping.N.Ebs.VolumeSize")
                .done("BlockDeviceMapping.N.Ebs.VolumeType", "BlockDeviceMapping.N.Ebs.Iops")
                .done("BlockDeviceMapping.N.Ebs.Throughput", "BlockDeviceMapping.N.Ebs.DeleteOnTermination")
                .done(TAGS)
                .ignored(InstanceActions.ELSEWHERE, IGNORED_AT_LAUNCH)
                .ignored("blocks are there at once", "BlockDeviceMapping.N.Ebs.VolumeInitializationRate")
                .ignored(ONE_ZONE, "BlockDeviceMapping.N.Ebs.AvailabilityZone")
                .ignored(ONE_ZONE, "BlockDeviceMapping.N.Ebs.AvailabilityZoneId")
                .refused(NO_KEYS, "BlockDeviceMapping.N.Ebs.Encrypted", "BlockDeviceMapping.N.Ebs.KmsKeyId")
                .refused("there are no Outposts here", "BlockDeviceMapping.N.Ebs.OutpostArn")
                .refused("disks are volumes", "BlockDeviceMapping.N.VirtualName")
                .refused("there are no launch templates here", "LaunchTemplate.*")
                .note("Writes down one instance, which runs at once, with clones of the image's disks; MaxCount is 1."
                        + " Without ImageId, which EC2 demands, it has no volumes.")
                .by(this::run));
    }

    private CompletableFuture<Reply> run(Parameters request) {
        request.number("MinCount", 1, 1);
        request.number("MaxCount", 1, 1);
        return made(request)
                .thenCompose(made -> made.life() == InstanceState.PENDING
                        ? instances.become(made.id(), InstanceState.RUNNING, Precondition.NONE, connections)
                        : CompletableFuture.completedFuture(made))
                .thenApply(running -> Reply.changed(running.id(), xml -> InstanceActions.reservation(xml, running)));
    }

    private CompletableFuture<InstanceEntry> made(Parameters request) {
        List<InstanceLaunches.Disk> disks = request.structures(MAPPING).stream()
                .map(InstanceLaunchActions::disk)
                .toList();
        if (request.text("ImageId").isEmpty() && disks.isEmpty()) {
            return instances.create(new Instances.Request(
                    Optional.empty(), request.label("instance", "volume"), request.clientToken()));
        }
        return launches.launch(new InstanceLaunches.Request(
                Optional.empty(),
                request.image("ImageId"),
                disks,
                request.label("instance", "volume"),
                request.label("volume", "instance"),
                VolumeActions.DEFAULT_TYPE,
                request.clientToken()));
    }

    private static InstanceLaunches.Disk disk(Parameters mapping) {
        mapping.required("DeviceName");
        return new InstanceLaunches.Disk(
                mapping.text("DeviceName", Ec2Limits.DEVICE_CHARS).orElse(""),
                mapping.values().containsKey("NoDevice"), // its value is empty
                mapping.text("Ebs.SnapshotId").map(Parameters::snapshotId),
                mapping.number("Ebs.VolumeSize", 1, MOST_GIB),
                new LimitsChange(
                        mapping.text("Ebs.VolumeType"),
                        mapping.number("Ebs.Iops", 1, MOST_FIGURE),
                        mapping.number("Ebs.Throughput", 1, MOST_FIGURE)),
                mapping.optionalFlag("Ebs.DeleteOnTermination"));
    }
}
