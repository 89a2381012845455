#!/usr/bin/python3
"""The life of volumes, snapshots, images and instances by boto3's EC2 client, its waiters and its paginators.

  ec2_life.py ENDPOINT    ends with 0 if all of it is as EC2 says
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ZONE = "varve-1a"
NOWHERE = "vol-00000000000000000"


def client(endpoint):
    return boto3.client(
        "ec2",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 1}),
    )


def is_refused(code, call, **parameters):
    try:
        answer = call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError("no %s but %s" % (code, answer))


def same(found, wanted):
    assert found == wanted, "%r is not %r" % (found, wanted)


def tags(kind, **values):
    pairs = [{"Key": key, "Value": value} for key, value in values.items()]
    return {"ResourceType": kind, "Tags": pairs}


def where(name, *values):
    return {"Name": name, "Values": list(values)}


def volume(ec2):
    """A volume grows, is attached and detached; gives its id and its instance's."""
    made = ec2.create_volume(
        AvailabilityZone=ZONE, Size=10, VolumeType="gp3", TagSpecifications=[tags("volume", team="red", Name="first")]
    )
    ident = made["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[ident])
    told = ec2.describe_volumes(VolumeIds=[ident])["Volumes"][0]
    same((told["Size"], told["VolumeType"], told["Iops"], told["State"]), (10, "gp3", 3000, "available"))
    same(told["AvailabilityZone"], ZONE)
    same({tag["Key"]: tag["Value"] for tag in told["Tags"]}, {"team": "red", "Name": "first"})

    instance = ec2.run_instances(MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_exists").wait(InstanceIds=[instance])
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance])
    attached = ec2.attach_volume(VolumeId=ident, InstanceId=instance, Device="/dev/sdf")
    same((attached["State"], attached["Device"]), ("attached", "/dev/sdf"))
    ec2.get_waiter("volume_in_use").wait(VolumeIds=[ident])
    is_refused("VolumeInUse", ec2.attach_volume, VolumeId=ident, InstanceId=instance, Device="/dev/sdg")
    is_refused("VolumeInUse", ec2.delete_volume, VolumeId=ident)
    found = ec2.describe_volumes(
        Filters=[where("attachment.instance-id", instance), where("attachment.status", "att*")]
    )["Volumes"]
    same([one["VolumeId"] for one in found], [ident])

    change = ec2.modify_volume(VolumeId=ident, Size=12, Iops=4000)["VolumeModification"]
    same((change["OriginalSize"], change["TargetSize"], change["TargetIops"]), (10, 12, 4000))
    shown = ec2.describe_volumes_modifications(VolumeIds=[ident])["VolumesModifications"][0]
    same((shown["ModificationState"], shown["Progress"]), ("completed", 100))
    same(ec2.describe_volumes(VolumeIds=[ident])["Volumes"][0]["Size"], 12)
    same(ec2.describe_volume_status(VolumeIds=[ident])["VolumeStatuses"][0]["VolumeStatus"]["Status"], "ok")
    return ident, instance


def snapshots(ec2, ident, instance):
    """Snapshots of one volume and of an instance; gives the id of the first."""
    first = ec2.create_snapshot(
        VolumeId=ident, Description="of a boto", TagSpecifications=[tags("snapshot", team="red")]
    )["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[first])
    group = ec2.create_snapshots(InstanceSpecification={"InstanceId": instance})["Snapshots"]
    same([one["VolumeId"] for one in group], [ident])
    told = ec2.describe_snapshots(
        OwnerIds=["self"], Filters=[where("volume-id", ident), where("description", "of a b?to")]
    )["Snapshots"]
    same([(one["SnapshotId"], one["Progress"], one["VolumeSize"]) for one in told], [(first, "100%", 12)])
    copy = ec2.copy_snapshot(SourceRegion="eu-central-1", SourceSnapshotId=first)["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[copy])
    for other in (copy, group[0]["SnapshotId"]):
        ec2.delete_snapshot(SnapshotId=other)
        is_refused("InvalidSnapshot.NotFound", ec2.describe_snapshots, SnapshotIds=[other])
    restored = ec2.create_volume(AvailabilityZone=ZONE, SnapshotId=first)["VolumeId"]
    ec2.get_waiter("volume_available").wait(VolumeIds=[restored])
    same(ec2.describe_volumes(VolumeIds=[restored])["Volumes"][0]["SnapshotId"], first)
    ec2.delete_volume(VolumeId=restored)
    ec2.get_waiter("volume_deleted").wait(VolumeIds=[restored])
    return first


def images(ec2, instance, snapshot):
    """Images of an instance and of a snapshot come and go; the second takes its snapshot with it."""
    taken = ec2.create_image(InstanceId=instance, Name="taken", NoReboot=True)["ImageId"]
    ec2.get_waiter("image_exists").wait(ImageIds=[taken])
    ec2.get_waiter("image_available").wait(ImageIds=[taken])
    own = ec2.describe_images(ImageIds=[taken])["Images"][0]["BlockDeviceMappings"][0]
    same((own["DeviceName"], own["Ebs"]["VolumeSize"]), ("/dev/sdf", 12))
    mapping = {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot, "VolumeType": "gp3", "VolumeSize": 14}}
    made = ec2.register_image(Name="made", RootDeviceName="/dev/xvda", BlockDeviceMappings=[mapping])["ImageId"]
    is_refused("InvalidAMIName.Duplicate", ec2.register_image, Name="made", BlockDeviceMappings=[mapping])
    is_refused("InvalidSnapshot.InUse", ec2.delete_snapshot, SnapshotId=snapshot)
    run = ec2.run_instances(
        ImageId=made,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.micro",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": True}}],
    )["Instances"][0]
    same((run["ImageId"], run["State"]["Name"]), (made, "running"))
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[run["InstanceId"]])
    disks = {one["DeviceName"]: one["Ebs"]["VolumeId"] for one in run["BlockDeviceMappings"]}
    clone = ec2.describe_volumes(VolumeIds=[disks["/dev/xvda"]])["Volumes"][0]
    same((clone["SnapshotId"], clone["Size"], clone["VolumeType"], clone["State"]), (snapshot, 14, "gp3", "in-use"))
    ec2.terminate_instances(InstanceIds=[run["InstanceId"]])
    for disk in disks.values():
        is_refused("InvalidVolume.NotFound", ec2.describe_volumes, VolumeIds=[disk])
    copy = ec2.copy_image(Name="copy", SourceImageId=made, SourceRegion="eu-central-1")["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[copy])
    ec2.disable_image_deprecation(ImageId=copy)
    copied = ec2.describe_images(ImageIds=[copy])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    ec2.deregister_image(ImageId=copy)
    ec2.delete_snapshot(SnapshotId=copied)
    found = ec2.describe_images(Owners=["self"], Filters=[where("name", "m*", "x?")])["Images"]
    same([one["ImageId"] for one in found], [made])
    ec2.create_tags(Resources=[made, snapshot], Tags=[{"Key": "use", "Value": "boot"}])
    ec2.deregister_image(ImageId=taken)
    ec2.delete_snapshot(SnapshotId=own["Ebs"]["SnapshotId"])
    ec2.deregister_image(ImageId=made)
    is_refused("InvalidAMIID.NotFound", ec2.describe_images, ImageIds=[made])
    ec2.delete_snapshot(SnapshotId=snapshot)


def pages(ec2):
    """Twelve volumes in pages of five, by all, by filters, and as tags."""
    made = {
        ec2.create_volume(
            AvailabilityZone=ZONE, Size=1, TagSpecifications=[tags("volume", number=str(number))]
        )["VolumeId"]
        for number in range(12)
    }
    all_pages = list(
        ec2.get_paginator("describe_volumes").paginate(
            Filters=[where("tag-key", "number")], PaginationConfig={"PageSize": 5}
        )
    )
    same([len(page["Volumes"]) for page in all_pages], [5, 5, 2])
    same({one["VolumeId"] for page in all_pages for one in page["Volumes"]}, made)
    teens = ec2.get_paginator("describe_volumes").paginate(Filters=[where("tag:number", "1?", "7")])
    same(sorted(one["Tags"][0]["Value"] for page in teens for one in page["Volumes"]), ["10", "11", "7"])
    told = ec2.get_paginator("describe_tags").paginate(
        Filters=[where("resource-type", "volume"), where("key", "number")], PaginationConfig={"PageSize": 5}
    )
    same({one["ResourceId"] for page in told for one in page["Tags"]}, made)
    for one in made:
        ec2.delete_tags(Resources=[one], Tags=[{"Key": "number"}])
        ec2.delete_volume(VolumeId=one)
    ec2.get_waiter("volume_deleted").wait(VolumeIds=sorted(made)[:1])


def refusals(ec2):
    is_refused("InvalidVolume.NotFound", ec2.describe_volumes, VolumeIds=[NOWHERE])
    is_refused("InvalidVolumeID.Malformed", ec2.delete_volume, VolumeId="vol-1")
    is_refused("InvalidSnapshot.NotFound", ec2.delete_snapshot, SnapshotId="snap-00000000000000000")
    is_refused("DryRunOperation", ec2.create_volume, AvailabilityZone=ZONE, Size=1, DryRun=True)
    is_refused("InvalidZone.NotFound", ec2.create_volume, AvailabilityZone="us-east-1a", Size=1)
    is_refused("UnsupportedOperation", ec2.create_volume, AvailabilityZone=ZONE, Size=1, Encrypted=True)
    is_refused("InvalidParameterValue", ec2.describe_volumes, Filters=[where("colour", "red")])
    is_refused("InvalidAction", ec2.describe_vpcs)


def end(ec2, ident, instance):
    leaving = ec2.detach_volume(VolumeId=ident)
    same((leaving["State"], leaving["InstanceId"]), ("detached", instance))
    is_refused("IncorrectState", ec2.detach_volume, VolumeId=ident)
    ec2.get_waiter("volume_available").wait(VolumeIds=[ident])
    ec2.stop_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance])
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance])
    ec2.delete_volume(VolumeId=ident)
    ec2.get_waiter("volume_deleted").wait(VolumeIds=[ident])


def main():
    ec2 = client(sys.argv[1])
    same([one["ZoneName"] for one in ec2.describe_availability_zones()["AvailabilityZones"]], [ZONE])
    ident, instance = volume(ec2)
    images(ec2, instance, snapshots(ec2, ident, instance))
    pages(ec2)
    refusals(ec2)
    end(ec2, ident, instance)


main()
