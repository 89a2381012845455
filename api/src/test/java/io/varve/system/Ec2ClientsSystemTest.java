package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The EC2 Query API with the clients that people have, against a server in a process of its own. */
class Ec2ClientsSystemTest {
    private static final Duration AMPLE = Duration.ofMinutes(3);
    private static final String PYTHON = "/usr/bin/python3";
    private static final String NOT_FOUND = "(InvalidVolume.NotFound)";

    @TempDir
    private Path directory;

    private ServerProcess server;
    private String keyId = "AKIDEXAMPLE";
    private String secret = "secret";

    @BeforeEach
    void start() {
        server = ServerProcess.start(directory);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    @RequiresTools("python3")
    void boto3LivesThroughAllOfItWithItsWaitersAndPaginators() throws IOException {
        boolean required = "1".equals(System.getenv("VARVE_REQUIRE_TOOLS"));
        assumeTrue(
                required || Tools.run(AMPLE, PYTHON, "-c", "import boto3").exitCode() == 0,
                "needs boto3 (sudo apt-get install python3-boto3)");
        Path script = directory.resolve("ec2_life.py");
        try (InputStream in =
                Objects.requireNonNull(Ec2ClientsSystemTest.class.getResourceAsStream("aws/ec2_life.py"))) {
            Files.write(script, in.readAllBytes());
        }
        Tools.run(AMPLE, PYTHON, script.toString(), server.api().uri()).succeeded();
    }

    @Test
    @Tag("slow")
    @RequiresTools("aws")
    void theCommandLineLivesThroughAllOfIt() {
        String volume = text(
                "VolumeId",
                "create-volume --size 1 --volume-type gp3 --availability-zone varve-1a"
                        + " --tag-specifications ResourceType=volume,Tags=[{Key=team,Value=red}]");
        aws("wait volume-available --volume-ids " + volume);
        JsonObject reservation = json("run-instances --count 1");
        String instance = reservation.getJsonArray("Instances").getJsonObject(0).getString("InstanceId");
        aws("attach-volume --volume-id %s --instance-id %s --device /dev/sdf".formatted(volume, instance));
        aws("wait volume-in-use --volume-ids " + volume);
        aws("modify-volume --volume-id %s --size 2".formatted(volume));
        assertThat(json("describe-volumes-modifications --volume-ids " + volume)
                        .getJsonArray("VolumesModifications")
                        .getJsonObject(0)
                        .getString("ModificationState"))
                .isEqualTo("completed");
        String snapshot = text("SnapshotId", "create-snapshot --description first --volume-id " + volume);
        aws("wait snapshot-completed --snapshot-ids " + snapshot);
        aws("create-tags --resources %s %s --tags Key=Name,Value=disk".formatted(volume, snapshot));
        assertThat(ids("Volumes", "VolumeId", "describe-volumes --filters Name=tag:team,Values=r* Name=size,Values=2"))
                .containsExactly(volume);
        assertThat(ids(
                        "Snapshots",
                        "SnapshotId",
                        "describe-snapshots --owner-ids self --filters Name=tag:Name,Values=d?sk"))
                .containsExactly(snapshot);
        String image = text(
                "ImageId",
                "register-image --name first --root-device-name /dev/xvda"
                        + " --block-device-mappings DeviceName=/dev/xvda,Ebs={SnapshotId=" + snapshot + "}");
        aws("wait image-available --image-ids " + image);
        refused("(InvalidSnapshot.InUse)", "delete-snapshot --snapshot-id " + snapshot);
        aws("deregister-image --image-id " + image);
        aws("delete-snapshot --snapshot-id " + snapshot);
        aws("detach-volume --volume-id " + volume);
        refused("(DryRunOperation)", "delete-volume --dry-run --volume-id " + volume);
        aws("delete-volume --volume-id " + volume);
        aws("wait volume-deleted --volume-ids " + volume);
        refused(NOT_FOUND, "describe-volumes --volume-ids " + volume);
        aws("terminate-instances --instance-ids " + instance);
    }

    @Test
    @Tag("slow")
    @RequiresTools("aws")
    void onlyWhoSignsWithTheSecretOfAKeyIsLetIn() {
        JsonObject key = server.api()
                .post("/v1/access-keys", new JsonObject().put("role", "read"))
                .body();
        refused("(AuthFailure)", "describe-volumes");
        keyId = key.getString("accessKeyId");
        refused("(AuthFailure)", "describe-volumes"); // with another secret
        secret = key.getString("secretAccessKey");
        assertThat(json("describe-volumes").getJsonArray("Volumes")).hasSize(1);
        refused("(UnauthorizedOperation)", "create-volume --size 1 --availability-zone varve-1a");
        assertThat(json("describe-volumes").getJsonArray("Volumes")).hasSize(1);
    }

    private String text(String field, String arguments) {
        return json(arguments).getString(field);
    }

    private List<String> ids(String list, String field, String arguments) {
        JsonArray all = json(arguments).getJsonArray(list);
        return all.stream().map(one -> ((JsonObject) one).getString(field)).toList();
    }

    private JsonObject json(String arguments) {
        return new JsonObject(aws(arguments));
    }

    private String aws(String arguments) {
        return run(arguments).succeeded().output();
    }

    private void refused(String error, String arguments) {
        Tools.Finished finished = run(arguments);
        assertThat(finished.exitCode()).as("%s", finished).isNotZero();
        assertThat(finished.errors()).contains(error);
    }

    private Tools.Finished run(String arguments) {
        List<String> command = new ArrayList<>(List.of(
                "env",
                "AWS_ACCESS_KEY_ID=" + keyId,
                "AWS_SECRET_ACCESS_KEY=" + secret,
                "AWS_DEFAULT_REGION=us-east-1",
                "AWS_EC2_METADATA_DISABLED=true",
                "AWS_CONFIG_FILE=/dev/null",
                "AWS_MAX_ATTEMPTS=1",
                "/usr/bin/aws",
                "--output",
                "json",
                "--endpoint-url",
                server.api().uri(),
                "ec2"));
        command.addAll(Arrays.asList(arguments.split(" ", -1)));
        return Tools.run(AMPLE, command.toArray(String[]::new));
    }
}
