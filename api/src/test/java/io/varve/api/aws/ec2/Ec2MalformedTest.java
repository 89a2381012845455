package io.varve.api.aws.ec2;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.aws.AwsAnswer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests with one mistake each, from a seed: {@code -Dec2.malformed=100000} for more, {@code -Dec2.seed} for others.
 */
class Ec2MalformedTest {
    private static final int COUNT = Integer.getInteger("ec2.malformed", 5_000);
    private static final long SEED = Long.getLong("ec2.seed", 20261126);

    @TempDir
    Path directory;

    private final SplittableRandom random = new SplittableRandom(SEED);

    @Test
    void everyMistakeIsAnsweredWithAnErrorOfTheClientAndChangesNothing() {
        try (Ec2Fixture ec2 = new Ec2Fixture(directory)) {
            String volume = Ec2Fixture.first(ec2.call("CreateVolume", "Size", "1"), "volumeId");
            String snapshot = Ec2Fixture.first(ec2.call("CreateSnapshot", "VolumeId", volume), "snapshotId");
            String instance =
                    Ec2Fixture.first(ec2.call("RunInstances", "MinCount", "1", "MaxCount", "1"), "instanceId");
            List<Map<String, String>> good = good(volume, snapshot, instance);
            List<Object> before = state(ec2);
            for (int i = 0; i < COUNT; i++) {
                String form = mistaken(good.get(random.nextInt(good.size())));
                AwsAnswer answer = ec2.send(form);
                assertThat(answer.status())
                        .as("request %d of seed %d: %s answered %s", i, SEED, form, answer.body())
                        .isBetween(400, 499);
                assertThat(answer.body().toString()).contains("<Response><Errors><Error><Code>");
            }
            assertThat(state(ec2)).isEqualTo(before);
        }
    }

    private static List<Object> state(Ec2Fixture ec2) {
        // Not what is counted in the background: the space that each has to itself.
        return List.of(
                ec2.control().volumes().list().stream()
                        .map(volume -> List.of(volume.record(), volume.entry()))
                        .toList(),
                ec2.control().snapshots().list().stream()
                        .map(snapshot -> List.of(snapshot.record(), snapshot.entry()))
                        .toList(),
                ec2.call("DescribeTags").body().toString(),
                ec2.call("DescribeInstances").body().toString(),
                ec2.call("DescribeImages").body().toString());
    }

    private static List<Map<String, String>> good(String volume, String snapshot, String instance) {
        return List.of(
                form("CreateVolume", "Size", "1", "VolumeType", "gp3", "Iops", "3000"),
                form("DeleteVolume", "VolumeId", volume),
                form("ModifyVolume", "VolumeId", volume, "Size", "2"),
                form("AttachVolume", "VolumeId", volume, "InstanceId", instance, "Device", "/dev/sdf"),
                form("CreateSnapshot", "VolumeId", volume, "Description", "d"),
                form("CopySnapshot", "SourceSnapshotId", snapshot, "SourceRegion", "varve-1"),
                form("DeleteSnapshot", "SnapshotId", snapshot),
                form("LockSnapshot", "SnapshotId", snapshot, "LockMode", "governance", "LockDuration", "1"),
                form("CreateTags", "ResourceId.1", volume, "Tag.1.Key", "k", "Tag.1.Value", "v"),
                form("DescribeVolumes", "Filter.1.Name", "size", "Filter.1.Value.1", "1"),
                form("DescribeSnapshots", "MaxResults", "5"),
                form("TerminateInstances", "InstanceId.1", instance),
                form("CreateImage", "InstanceId", instance, "Name", "image"));
    }

    private static Map<String, String> form(String action, String... namesAndValues) {
        Map<String, String> form = new LinkedHashMap<>();
        form.put("Action", action);
        form.put("Version", "2016-11-15");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            form.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return form;
    }

    private String mistaken(Map<String, String> good) {
        Map<String, String> form = new LinkedHashMap<>(good);
        List<String> own = new ArrayList<>(form.keySet());
        String one = own.get(random.nextInt(own.size()));
        switch (random.nextInt(12)) {
            case 0 -> {
                return Ec2Fixture.form(form) + "&" + one + "=" + Ec2Fixture.encoded(noise(3));
            }
            case 1 -> form.put(noise(1 + random.nextInt(40)), noise(4));
            case 2 -> form.put("Action", noise(12));
            case 3 -> form.put("Version", noise(10));
            case 4 -> {
                return Ec2Fixture.form(form) + "&X=%" + Ec2Fixture.encoded(noise(1)) + "zz";
            }
            case 5 -> form.put("a" + ".1".repeat(1 + random.nextInt(60)), "x");
            case 6 -> form.put("DryRun", noise(4));
            case 7 -> form.put("Filter.1.Value.0", "x");
            case 8 -> form.put("TagSpecification." + random.nextInt(9) + ".Nothing", "x");
            case 9 -> form.put("ResourceId." + random.nextLong(10_000, Long.MAX_VALUE), "x");
            case 10 -> form.put("x".repeat(200), "x");
            default -> form.put("Description", "d".repeat(300 + random.nextInt(60_000)));
        }
        return Ec2Fixture.form(form);
    }

    /** Characters of all kinds, never a word that means something. */
    private String noise(int length) {
        StringBuilder text = new StringBuilder("~");
        for (int i = 0; i < length; i++) {
            text.append((char) (random.nextBoolean() ? random.nextInt(1, 128) : random.nextInt(0xa0, 0xd7ff)));
        }
        return text.toString();
    }
}
