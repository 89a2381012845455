package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.varve.testing.RequiresRoot;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The EBS direct APIs with the clients that people have: a file system made elsewhere becomes a snapshot and is
 * mounted, and what becomes of it goes back into an image, whole and by what is different.
 */
@Tag("slow")
class DirectApiSystemTest {
    private static final Duration AMPLE = Duration.ofMinutes(2);
    private static final String PYTHON = "/usr/bin/python3";
    private static final String OPTIONS = "noatime";
    private static final int FILES = 1000;
    private static final long BYTES = 80_000_000;
    private static final int BLOCK = 512 << 10;

    @TempDir
    private Path directory;

    @Test
    @RequiresRoot
    @RequiresTools({
        "python3",
        "aws",
        "nbdfuse",
        "fusermount3",
        "losetup",
        "mount",
        "umount",
        "mkfs.ext4",
        "e2fsck",
        "nbdcopy"
    })
    void aFileSystemGoesUpIsMountedAndComesDownAgain() throws IOException {
        assumeBoto3();
        Path source = Files.createDirectory(directory.resolve("source"));
        Path image = directory.resolve("image");
        FileTree tree = FileTree.copy(List.of(Path.of("/usr/share"), Path.of("/usr/lib")), source, FILES, BYTES);
        HostMount.run("truncate", "-s", "2G", image.toString());
        HostMount.run("mkfs.ext4", "-q", "-d", source.toString(), image.toString());
        try (ServerProcess server = ServerProcess.start(directory)) {
            String endpoint = server.api().uri();
            String first = directApi("upload", endpoint, image.toString());
            assertThat(server.api().get("/v1/snapshots/" + first).body().getString("state"))
                    .isEqualTo("completed");
            assertSame(server, first, image);

            String volume = server.restore("restored", first);
            try (HostMount mount = HostMount.attach(directory.resolve("mounted"), server.unixUri("restored"))) {
                mount.mount(OPTIONS);
                FileTree mounted = FileTree.read(mount.root());
                assertThat(mounted.files()).containsAllEntriesOf(tree.files());
                mounted.changeHalf();
                mount.unmount();
                HostMount.run("e2fsck", "-fn", mount.device());
            }
            String second = server.newSnapshot(volume);
            Path whole = directory.resolve("whole");
            int all = Integer.parseInt(directApi("download", endpoint, second, whole.toString()));
            assertSame(server, second, whole);
            HostMount.run("e2fsck", "-fn", whole.toString());

            int changed = Integer.parseInt(directApi("apply", endpoint, first, second, image.toString()));
            assertThat(Files.mismatch(image, whole)).isEqualTo(-1);
            assertThat(changed).isPositive().isLessThan(all);
        }
    }

    /** What NBD reads of the snapshot is what is in the file. */
    private void assertSame(ServerProcess server, String snapshot, Path image) throws IOException {
        Path read = directory.resolve("read");
        HostMount.run("nbdcopy", server.unixUri(snapshot), read.toString());
        assertThat(Files.mismatch(read, image)).isEqualTo(-1);
        Files.delete(read);
    }

    @Test
    @RequiresTools("aws")
    void theCommandLineSendsAndFetchesBlocks() throws IOException, NoSuchAlgorithmException {
        byte[] bytes = new byte[BLOCK];
        new SplittableRandom(4).nextBytes(bytes);
        Path sent = Files.write(directory.resolve("sent"), bytes);
        byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(bytes);
        String digest = Base64.getEncoder().encodeToString(sha256);
        try (ServerProcess server = ServerProcess.start(directory)) {
            String id = aws(server, "start-snapshot --volume-size 1 --tags Key=team,Value=red --client-token one")
                    .getString("SnapshotId");
            JsonObject put = aws(
                    server,
                    "put-snapshot-block --snapshot-id %s --block-index 5 --data-length %d --block-data %s"
                                    .formatted(id, BLOCK, sent)
                            + " --checksum %s --checksum-algorithm SHA256 --progress 50".formatted(digest));
            assertThat(put.getString("Checksum")).isEqualTo(digest);
            assertThat(aws(server, "complete-snapshot --snapshot-id " + id + " --changed-blocks-count 1")
                            .getString("Status"))
                    .isEqualTo("completed");

            JsonArray blocks =
                    aws(server, "list-snapshot-blocks --snapshot-id " + id).getJsonArray("Blocks");
            assertThat(blocks).hasSize(1);
            String token = blocks.getJsonObject(0).getString("BlockToken");
            Path fetched = directory.resolve("fetched");
            JsonObject got = aws(
                    server,
                    "get-snapshot-block --snapshot-id %s --block-index 5 --block-token %s %s"
                            .formatted(id, token, fetched));
            assertThat(got.getString("Checksum")).isEqualTo(digest);
            assertThat(Files.mismatch(sent, fetched)).isEqualTo(-1);

            Tools.Finished stranger = run(server, "list-snapshot-blocks --snapshot-id snap-00000000000000000");
            assertThat(stranger.exitCode()).isNotZero();
            assertThat(stranger.errors()).contains("ResourceNotFoundException");
        }
    }

    private static JsonObject aws(ServerProcess server, String arguments) throws IOException {
        return new JsonObject(run(server, arguments).succeeded().output());
    }

    private static Tools.Finished run(ServerProcess server, String arguments) {
        List<String> command = new ArrayList<>(List.of("env"));
        Map.of(
                        "AWS_ACCESS_KEY_ID",
                        "AKIDEXAMPLE",
                        "AWS_SECRET_ACCESS_KEY",
                        "secret",
                        "AWS_DEFAULT_REGION",
                        "us-east-1",
                        "AWS_EC2_METADATA_DISABLED",
                        "true",
                        "AWS_CONFIG_FILE",
                        "/dev/null")
                .forEach((name, value) -> command.add(name + "=" + value));
        command.addAll(List.of(
                "/usr/bin/aws",
                "--output",
                "json",
                "--endpoint-url",
                server.api().uri(),
                "ebs"));
        command.addAll(Arrays.asList(arguments.split(" ", -1)));
        return Tools.run(AMPLE, command.toArray(String[]::new));
    }

    private static void assumeBoto3() {
        boolean required = "1".equals(System.getenv("VARVE_REQUIRE_TOOLS"));
        assumeTrue(
                required || Tools.run(AMPLE, PYTHON, "-c", "import boto3").exitCode() == 0,
                "needs boto3 (sudo apt-get install python3-boto3)");
    }

    /** Runs the script, whose last word is the answer. */
    private String directApi(String... arguments) throws IOException {
        Path script = directory.resolve("direct_api.py");
        try (InputStream in =
                Objects.requireNonNull(DirectApiSystemTest.class.getResourceAsStream("aws/direct_api.py"))) {
            Files.write(script, in.readAllBytes());
        }
        List<String> command = new ArrayList<>(List.of(PYTHON, script.toString()));
        command.addAll(List.of(arguments));
        return Tools.run(AMPLE, command.toArray(String[]::new))
                .succeeded()
                .output()
                .strip();
    }
}
