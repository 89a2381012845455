package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.control.ControlDatabase;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disk images that are being read and written when the server is killed. */
@RequiresTools({"qemu-img", "prlimit"})
class DiskImageKillTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int MEBIBYTES = 256;

    @TempDir
    private Path directory;

    @Test
    void theNextStartBeginsThemAgain() throws IOException {
        Path images = Files.createDirectory(directory.resolve("images"));
        Path original = noise(images.resolve("in.img"));
        String export;
        String again;
        try (ServerProcess server = start(images)) {
            String snapshot = ended(server, newImport(server)).getString("snapshotId");
            JsonObject request = new JsonObject()
                    .put("snapshotId", snapshot)
                    .put("format", "qcow2")
                    .put("file", "out.qcow2");
            export = "/v1/exports/"
                    + server.api().post("/v1/exports", request).body().getString("exportId");
            again = newImport(server);
            server.kill();
        }
        try (ControlDatabase left = ControlDatabase.open(directory.resolve("data"), () -> false)) {
            assertThat(left.exports().all()).singleElement().matches(one -> !one.ended());
            assertThat(left.imports().all().stream().map(one -> one.state()))
                    .containsExactlyInAnyOrder("completed", "converting");
        }
        assertThat(images.resolve("out.qcow2")).doesNotExist();

        try (ServerProcess server = start(images)) {
            assertThat(ended(server, export).getString("state")).isEqualTo("completed");
            compare(original, "qcow2", images.resolve("out.qcow2").toString());
            JsonObject imported = ended(server, again);
            assertThat(imported.getString("state")).as("%s", imported).isEqualTo("completed");
            compare(original, "raw", server.unixUri(imported.getString("snapshotId")));
        }
        try (Stream<Path> files = Files.list(images)) {
            assertThat(files).containsExactlyInAnyOrder(original, images.resolve("out.qcow2"));
        }
    }

    private ServerProcess start(Path images) {
        return ServerProcess.start(directory, List.of(), List.of("--nbd=127.0.0.1:0", "--import-dir=" + images));
    }

    private static String newImport(ServerProcess server) {
        JsonObject request = new JsonObject().put("format", "raw").put("file", "in.img");
        return "/v1/imports/" + server.api().post("/v1/imports", request).body().getString("importId");
    }

    private static JsonObject ended(ServerProcess server, String path) {
        return Awaitility.await()
                .atMost(PATIENCE)
                .until(
                        () -> server.api().get(path).body(),
                        job -> !job.getString("state").equals("converting"));
    }

    private static void compare(Path original, String format, String other) {
        Tools.run(PATIENCE, "qemu-img", "compare", "-f", "raw", "-F", format, original.toString(), other)
                .succeeded();
    }

    /** So large that the kill comes long before its end. */
    private static Path noise(Path file) throws IOException {
        try (RandomAccessFile large = new RandomAccessFile(file.toFile(), "rw")) {
            byte[] noise = new byte[1 << 20];
            new Random(1).nextBytes(noise);
            for (int i = 0; i < MEBIBYTES; i++) {
                noise[i] ^= 1;
                large.write(noise);
            }
        }
        return file;
    }
}
