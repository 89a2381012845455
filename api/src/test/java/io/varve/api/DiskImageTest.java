package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Disk images of other programs, in and out. */
@RequiresTools({"qemu-img", "qemu-io", "prlimit"})
class DiskImageTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    private Path images;
    private RunningServer server;
    private Probe api;

    @BeforeEach
    void start() throws IOException {
        images = Files.createDirectory(directory.resolve("images")).toRealPath();
        server = RunningServer.withImports(directory, images);
        api = server.api();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qcow2", "vmdk"})
    void anImageComesInAndGoesOutAsItWas(String format) throws IOException {
        Path original = image("in.img", format);
        JsonObject imported = ended(
                "/v1/imports", api.post("/v1/imports", request(format, "in.img").put("name", "in")));
        assertThat(imported.getString("state")).as("%s", imported).isEqualTo("completed");
        assertThat(imported.getInteger("progressPercent")).isEqualTo(100);
        String snapshot = imported.getString("snapshotId");
        JsonObject described = api.get("/v1/snapshots/" + snapshot).body();
        assertThat(described.getString("name")).isEqualTo("in");
        assertThat(described.getLong("usedBytes")).isEqualTo(3 << 20);
        qemuImg(
                "compare",
                "-f",
                format,
                "-F",
                "raw",
                original.toString(),
                server.daemon().nbdUri(snapshot));

        JsonObject exported = ended("/v1/exports", export(snapshot, format, "out.img"));
        assertThat(exported.getString("state")).as("%s", exported).isEqualTo("completed");
        qemuImg(
                "compare",
                "-f",
                format,
                "-F",
                format,
                original.toString(),
                images.resolve("out.img").toString());
        assertThat(names()).containsExactlyInAnyOrder("in.img", "out.img");
        assertThat(volumes()).isEqualTo(1);

        assertThat(listed("/v1/exports?filter=format=" + format)).containsExactly(exported);
        assertThat(listed("/v1/exports?filter=state=failed")).isEmpty();

        FileTime before = Files.getLastModifiedTime(original);
        assertThat(export(snapshot, format, "in.img").code()).isEqualTo("InvalidFile.Duplicate");
        assertThat(Files.getLastModifiedTime(original)).isEqualTo(before);
    }

    @Test
    void anImageThatReachesBeyondItselfIsRefused() {
        create("-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", path("backed.qcow2"));
        assertThat(refusal("qcow2", "backed.qcow2")).contains("backing file");
        create("-f", "qcow2", "-o", "data_file=" + path("data"), path("outside.qcow2"), "1M");
        assertThat(refusal("qcow2", "outside.qcow2")).contains("external data file");
        create("-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", path("split.vmdk"), "5G");
        assertThat(refusal("vmdk", "split.vmdk")).contains("extent files");
        create("-f", "vmdk", "-o", "subformat=monolithicFlat", path("flat.vmdk"), "1M");
        assertThat(refusal("vmdk", "flat.vmdk")).contains("extent files");
        create("-f", "qcow2", path("vast.qcow2"), "65T");
        assertThat(refusal("qcow2", "vast.qcow2")).contains("71468255805440");
        create("-f", "raw", path("plain.img"), "1M");
        assertThat(refusal("qcow2", "plain.img")).contains("qemu-img").doesNotContain(images.toString());
        assertThat(volumes()).isEqualTo(1);
        assertThat(api.get("/v1/imports").body().getJsonArray("imports")).isEmpty();
    }

    @Test
    void anImageThatTurnsOutToBeDamagedFailsAndLeavesNothing() throws IOException {
        Path damaged = image("damaged.qcow2", "qcow2");
        try (RandomAccessFile file = new RandomAccessFile(damaged.toFile(), "rw")) {
            file.seek(40); // where the header says where its first table is
            long table = file.readLong();
            file.seek(table);
            long entry = file.readLong();
            file.seek(table);
            file.writeLong(entry | 0x200); // no longer on the border of a cluster
        }
        JsonObject failed = ended("/v1/imports", api.post("/v1/imports", request("qcow2", "damaged.qcow2")));
        assertThat(failed.getString("state")).isEqualTo("failed");
        assertThat(failed.getString("failure"))
                .contains("qemu-img ended with 1")
                .doesNotContain(images.toString());
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).isEmpty();
        assertThat(volumes()).isEqualTo(1);
        assertThat(api.delete("/v1/imports/" + failed.getString("importId")).status())
                .isEqualTo(204);
    }

    @Test
    void onlyFilesOfTheDirectoryAreReached() throws IOException {
        Files.write(directory.resolve("beside.img"), new byte[1 << 20]);
        Files.createSymbolicLink(images.resolve("link.img"), directory.resolve("beside.img"));
        Files.createDirectory(images.resolve("folder"));
        for (String name :
                List.of("../beside.img", "/etc/passwd", "link.img", "folder", "", ".hidden", "-n", "a\u0000b")) {
            assertThat(api.post("/v1/imports", request("raw", name)).code())
                    .as(name)
                    .isEqualTo("InvalidParameterValue");
        }
        assertThat(api.post("/v1/imports", request("raw", "none.img")).code()).isEqualTo("InvalidResource.NotFound");
        assertThat(api.post("/v1/imports", new JsonObject().put("file", "x")).code())
                .isEqualTo("InvalidParameterCombination");
        assertThat(api.post("/v1/imports", request("vhdx", "link.img")).status())
                .isEqualTo(400);
        String snapshot = emptySnapshot();
        assertThat(export(snapshot, "raw", "../out.img").code()).isEqualTo("InvalidParameterValue");
        assertThat(export(snapshot, "raw", "link.img").code()).isEqualTo("InvalidFile.Duplicate");
        assertThat(export("snap-00000000000000000", "raw", "o").code()).isEqualTo("InvalidSnapshot.NotFound");
        assertThat(api.get("/v1/exports/export-00000000000000000").status()).isEqualTo(404);
        assertThat(api.get("/v1/exports/x").code()).isEqualTo("InvalidParameterValue");
    }

    @Test
    void withoutADirectoryNothingIsReadOrWritten() {
        String snapshot = emptySnapshot();
        server.close();
        server = RunningServer.on(directory);
        api = server.api();
        assertThat(api.post("/v1/imports", request("raw", "in.img")).detail()).contains("--import-dir");
        assertThat(export(snapshot, "raw", "out.img").code()).isEqualTo("UnsupportedOperation");
    }

    @Test
    void whatIsTakenBackLeavesNothing() throws IOException {
        noise("large.img", 512);
        JsonObject begun = api.post("/v1/imports", request("raw", "large.img")).body();
        String path = "/v1/imports/" + begun.getString("importId");
        assertThat(begun.getString("state")).isEqualTo("converting");
        assertThat(api.delete(path).status()).isEqualTo(204);
        assertThat(api.get(path).status()).isEqualTo(404);
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).isEmpty();

        JsonObject whole = ended("/v1/imports", api.post("/v1/imports", request("raw", "large.img")));
        JsonObject export =
                export(whole.getString("snapshotId"), "qcow2", "out.qcow2").body();
        assertThat(api.delete("/v1/exports/" + export.getString("exportId")).status())
                .isEqualTo(204);
        assertThat(names()).containsExactly("large.img");
        assertThat(volumes()).isEqualTo(1);
    }

    @Test
    void anExportIsKnownAfterARestart() {
        JsonObject exported = ended("/v1/exports", export(emptySnapshot(), "raw", "out.img"));
        server.close();
        server = RunningServer.withImports(directory, images);
        api = server.api();
        assertThat(listed("/v1/exports")).containsExactly(exported);
        assertThat(exported.getString("state")).isEqualTo("completed");
    }

    @Test
    void whatTheServersStopCutsShortIsBegunAgain() throws IOException {
        noise("large.img", 256);
        JsonObject whole = ended("/v1/imports", api.post("/v1/imports", request("raw", "large.img")));
        JsonObject export =
                export(whole.getString("snapshotId"), "raw", "out.img").body();
        JsonObject begun = api.post("/v1/imports", request("raw", "large.img")).body();
        server.close();
        assertThat(names()).containsExactly("large.img");

        server = RunningServer.withImports(directory, images);
        api = server.api();
        JsonObject exported = ended("/v1/exports/" + export.getString("exportId"));
        assertThat(exported.getString("state")).as("%s", exported).isEqualTo("completed");
        qemuImg("compare", "-f", "raw", "-F", "raw", path("large.img"), path("out.img"));
        JsonObject imported = ended("/v1/imports/" + begun.getString("importId"));
        assertThat(imported.getString("state")).as("%s", imported).isEqualTo("completed");
        qemuImg(
                "compare",
                "-f",
                "raw",
                "-F",
                "raw",
                path("large.img"),
                server.daemon().nbdUri(imported.getString("snapshotId")));
        assertThat(names()).containsExactlyInAnyOrder("large.img", "out.img");
    }

    @Test
    void theCommandLineReadsAndWritesImages() {
        image("in.img", "qcow2");
        assertThat(command("snapshot", "import", "--format", "qcow2", "in.img", "--name", "back"))
                .contains("completed");
        assertThat(command("snapshot", "export", "back", "out.vmdk", "--format", "vmdk"))
                .contains("completed");
        qemuImg("compare", "-f", "qcow2", "-F", "vmdk", path("in.img"), path("out.vmdk"));
        assertThat(command("snapshot", "imports", "--filter", "state=completed"))
                .contains("in.img");
        assertThat(command("snapshot", "exports", "--filter", "format=vmdk")).contains("out.vmdk");
        assertThat(command("snapshot", "exports", "--filter", "format=raw")).doesNotContain("out.vmdk");
    }

    private String command(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] all = Stream.concat(
                        Stream.of(arguments), Stream.of("--api", server.daemon().apiUri()))
                .toArray(String[]::new);
        int code = Main.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(all);
        assertThat(code).as("%s", err).isZero();
        return out.toString();
    }

    private String emptySnapshot() {
        return server.newSnapshot(server.newVolume(1).getString("volumeId")).getString("snapshotId");
    }

    /** A disk of 1 GiB with 3 MiB of data. */
    private Path image(String name, String format) {
        create("-f", format, path(name), "1G");
        Tools.run(PATIENCE, "qemu-io", "-f", format, path(name), "-c", "write -P 7 1M 2M", "-c", "write -P 9 1023M 1M")
                .succeeded();
        return images.resolve(name);
    }

    /** A disk without holes. */
    private void noise(String name, int mebibytes) throws IOException {
        try (RandomAccessFile large = new RandomAccessFile(path(name), "rw")) {
            byte[] noise = new byte[1 << 20];
            new Random(1).nextBytes(noise);
            for (int i = 0; i < mebibytes; i++) {
                noise[i] ^= 1;
                large.write(noise);
            }
        }
    }

    private String refusal(String format, String name) {
        Probe.Reply reply = api.post("/v1/imports", request(format, name));
        assertThat(reply.status()).as(name).isEqualTo(400);
        assertThat(reply.code()).as(name).isEqualTo("InvalidDiskImage");
        return reply.detail();
    }

    private Probe.Reply export(String snapshot, String format, String name) {
        return api.post("/v1/exports", request(format, name).put("snapshotId", snapshot));
    }

    private static JsonObject request(String format, String name) {
        return new JsonObject().put("format", format).put("file", name);
    }

    private JsonObject ended(String path, Probe.Reply begun) {
        assertThat(begun.status()).as("%s", begun.body()).isEqualTo(201);
        return ended(path + "/" + begun.body().getString(path.equals("/v1/imports") ? "importId" : "exportId"));
    }

    private JsonObject ended(String path) {
        return Awaitility.await()
                .atMost(PATIENCE)
                .until(
                        () -> api.get(path).body(),
                        job -> !job.getString("state").equals("converting"));
    }

    private List<JsonObject> listed(String path) {
        return api.get(path).body().getJsonArray("exports").stream()
                .map(JsonObject.class::cast)
                .toList();
    }

    private int volumes() {
        return api.get("/v1/volumes").body().getJsonArray("volumes").size();
    }

    private Set<String> names() throws IOException {
        try (Stream<Path> files = Files.list(images)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    private String path(String name) {
        return images.resolve(name).toString();
    }

    private static void create(String... arguments) {
        qemuImg(Stream.concat(Stream.of("create", "-q"), Stream.of(arguments)).toArray(String[]::new));
    }

    private static void qemuImg(String... arguments) {
        Tools.run(
                        PATIENCE,
                        Stream.concat(Stream.of("qemu-img"), Stream.of(arguments))
                                .toArray(String[]::new))
                .succeeded();
    }
}
