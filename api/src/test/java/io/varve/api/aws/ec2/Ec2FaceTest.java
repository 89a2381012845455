package io.varve.api.aws.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.aws.AwsAnswer;
import io.vertx.core.buffer.Buffer;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Ec2FaceTest {
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

    private String volume(String... more) {
        AwsAnswer answer = ec2.call("CreateVolume", join(new String[] {"Size", "1", "VolumeType", "gp3"}, more));
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
        return Ec2Fixture.first(answer, "volumeId");
    }

    private static String[] join(String[] one, String[] other) {
        return java.util.stream.Stream.of(one, other)
                .flatMap(java.util.Arrays::stream)
                .toArray(String[]::new);
    }

    private void refused(AwsAnswer answer, String code) {
        assertThat(answer.status()).as(answer.body().toString()).isBetween(400, 499);
        assertThat(answer.body().toString()).contains("<Response><Errors><Error><Code>" + code + "</Code>");
        assertThat(Ec2Fixture.first(answer, "RequestID")).isEqualTo("request-1");
    }

    @ParameterizedTest
    @CsvSource({
        "Action=CreateVolume&Size=1&Size=2, InvalidParameterCombination",
        "Action=CreateVolume&Size=one, InvalidParameterValue",
        "Action=CreateVolume&Size=-1, InvalidParameterValue",
        "Action=CreateVolume&Size=1&Iops=-1, InvalidParameterValue",
        "Action=CreateVolume&Size=1&Colour=red, UnknownParameter",
        "Action=CreateVolume&Size=1&Encrypted=true, UnsupportedOperation",
        "Action=CreateVolume&Size=1&MultiAttachEnabled=true, InvalidParameterCombination",
        "Action=CreateVolume&Size=1&AvailabilityZone=us-east-1a, InvalidZone.NotFound",
        "Action=CreateVolume&Size=1&VolumeType=gp9, UnknownVolumeType",
        "Action=CreateVolume, MissingParameter",
        "Action=CreateVolume&Size=1&TagSpecification.1.ResourceType=snapshot, InvalidParameterValue",
        "Action=CreateVolume&Size=%zz, MalformedQueryString",
        "Action=DeleteVolume&VolumeId=vol-1, InvalidVolumeID.Malformed",
        "Action=DeleteVolume&VolumeId=vol-00000000000000000, InvalidVolume.NotFound",
        "Action=DeleteVolume, MissingParameter",
        "Action=DescribeVolumes&VolumeId.1=vol-00000000000000000, InvalidVolume.NotFound",
        "Action=DescribeVolumes&Filter.1.Name=nothing&Filter.1.Value.1=x, InvalidParameterValue",
        "Action=DescribeVolumes&Filter.1.Name=status, InvalidParameterValue",
        "Action=DescribeVolumes&NextToken=xyz, InvalidNextToken",
        "Action=DescribeVolumes&MaxResults=4, InvalidParameterValue",
        "Action=DescribeSnapshots&Filter.1.Name=state&Filter.1.Value.1=enabled, InvalidParameterValue",
        "Action=DescribeSnapshots&SnapshotId.1=snap-zz, InvalidSnapshotID.Malformed",
        "Action=DeleteSnapshot&SnapshotId=snap-00000000000000000, InvalidSnapshot.NotFound",
        "Action=DescribeImages&ImageId.1=ami-1, InvalidAMIID.Malformed",
        "Action=DescribeInstances&InstanceId.1=i-00000000000000000, InvalidInstanceID.NotFound",
        "Action=EnableEbsEncryptionByDefault, UnsupportedOperation",
        "Action=LaunchRocket, InvalidAction",
        "Action=DescribeVolumes&Version=2015-01-01, InvalidAction",
        "Size=1, MissingAction",
    })
    void answersAMistakeWithEc2sErrorAndChangesNothing(String form, String code) {
        refused(ec2.send(form), code);
        assertThat(ec2.control().volumes().list()).isEmpty();
    }

    @Test
    void refusesABodyThatIsNotUtf8() {
        refused(ec2.send(Buffer.buffer(new byte[] {'A', '=', (byte) 0xff})), "MalformedQueryString");
    }

    @Test
    void refusesFiltersWithMoreThanTwoHundredValues() {
        StringBuilder form = new StringBuilder("Action=DescribeVolumes&Filter.1.Name=size");
        IntStream.rangeClosed(1, 201)
                .forEach(i -> form.append("&Filter.1.Value.").append(i).append("=1"));

        refused(ec2.send(form.toString()), "FilterLimitExceeded");
    }

    @Test
    void refusesMoreParametersThanAreTaken() {
        StringBuilder form = new StringBuilder("Action=DescribeVolumes");
        IntStream.rangeClosed(1, 3000)
                .forEach(i -> form.append("&VolumeId.").append(i).append("=1"));

        refused(ec2.send(form.toString()), "InvalidParameterValue");
    }

    @Test
    void aDryRunSaysThatItWouldHaveSucceededAndDoesNothing() {
        AwsAnswer answer = ec2.call("CreateVolume", "Size", "1", "DryRun", "true");

        refused(answer, "DryRunOperation");
        assertThat(answer.status()).isEqualTo(412);
        assertThat(ec2.control().volumes().list()).isEmpty();
    }

    @Test
    void theSameClientTokenCreatesOneVolumeAndRefusesAnother() {
        String first = volume("ClientToken", "t");
        String second = volume("ClientToken", "t");

        assertThat(second).isEqualTo(first);
        refused(
                ec2.call("CreateVolume", "Size", "2", "VolumeType", "gp3", "ClientToken", "t"),
                "IdempotentParameterMismatch");
    }

    @Test
    void filtersAreAndedAndTheirValuesOredWithWildcards() {
        String red = volume(
                "TagSpecification.1.ResourceType",
                "volume",
                "TagSpecification.1.Tag.1.Key",
                "team",
                "TagSpecification.1.Tag.1.Value",
                "red");
        volume(
                "TagSpecification.1.ResourceType",
                "volume",
                "TagSpecification.1.Tag.1.Key",
                "team",
                "TagSpecification.1.Tag.1.Value",
                "blue");

        AwsAnswer answer = ec2.call(
                "DescribeVolumes",
                "Filter.1.Name",
                "tag:team",
                "Filter.1.Value.1",
                "r?d",
                "Filter.1.Value.2",
                "green",
                "Filter.2.Name",
                "availability-zone",
                "Filter.2.Value.1",
                "varve-*");
        AwsAnswer elsewhere =
                ec2.call("DescribeVolumes", "Filter.1.Name", "availability-zone", "Filter.1.Value.1", "b");

        assertThat(answer.body().toString()).containsOnlyOnce("<volumeId>").contains(red);
        assertThat(elsewhere.body().toString()).doesNotContain("<volumeId>");
    }

    @Test
    void aTokenOfAnotherListIsRefused() {
        IntStream.range(0, 6).forEach(i -> volume());
        String token = Ec2Fixture.first(ec2.call("DescribeVolumes", "MaxResults", "5"), "nextToken");

        refused(ec2.call("DescribeSnapshots", "NextToken", token), "InvalidNextToken");
        refused(
                ec2.call("DescribeVolumes", "NextToken", token, "Filter.1.Name", "size", "Filter.1.Value.1", "1"),
                "InvalidNextToken");
        assertThat(ec2.call("DescribeVolumes", "NextToken", token).body().toString())
                .containsOnlyOnce("<volumeId>");
    }

    @Test
    void noTagIsSetUnlessAllResourcesAreThere() {
        String volume = volume();

        refused(
                ec2.call(
                        "CreateTags",
                        "ResourceId.1",
                        volume,
                        "ResourceId.2",
                        "snap-00000000000000000",
                        "Tag.1.Key",
                        "a",
                        "Tag.1.Value",
                        "b"),
                "InvalidSnapshot.NotFound");
        assertThat(ec2.call("DescribeTags").body().toString()).doesNotContain("<key>");
    }

    @Test
    void aTextThatXmlCannotSayIsReplacedAndMarkupIsEscaped() {
        volume(
                "TagSpecification.1.ResourceType",
                "volume",
                "TagSpecification.1.Tag.1.Key",
                "k",
                "TagSpecification.1.Tag.1.Value",
                "a<b>&\u0001");

        assertThat(ec2.call("DescribeTags").body().toString()).contains("a&lt;b&gt;&amp;\uFFFD");
    }
}
