package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CheckCommandTest {
    @TempDir
    private Path top;

    private Path directory = Path.of("");

    private String out = "";
    private String err = "";

    @BeforeEach
    void name() {
        directory = top.resolve("data");
    }

    private int check(String... more) {
        StringWriter outWriter = new StringWriter();
        StringWriter errWriter = new StringWriter();
        CommandLine commandLine =
                Main.commandLine().setOut(new PrintWriter(outWriter)).setErr(new PrintWriter(errWriter));
        String[] arguments = Stream.concat(Stream.of("check", "--data", directory.toString()), Stream.of(more))
                .toArray(String[]::new);
        int exitCode = commandLine.execute(arguments);
        out = outWriter.toString();
        err = errWriter.toString();
        return exitCode;
    }

    private Map<String, String> contents() throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path file : all.toList()) {
                String time = Files.getLastModifiedTime(file).toString();
                int hash = Files.isRegularFile(file) ? Arrays.hashCode(Files.readAllBytes(file)) : 0;
                contents.put(directory.relativize(file).toString(), time + " " + hash);
            }
        }
        return contents;
    }

    @Test
    void aStoreThatWasClosedIsCleanAndNothingIsChanged() throws IOException {
        RunningServer.on(top).close();
        Map<String, String> before = contents();

        assertThat(check("--data-blocks")).as(err).isEqualTo(ExitCode.OK);

        assertThat(out).contains("1 volumes, 0 snapshots").contains("intact: all volumes and snapshots");
        assertThat(contents()).isEqualTo(before);
    }

    @Test
    void theReportIsJsonForScripts() {
        RunningServer.on(top).close();

        assertThat(check("--json")).isEqualTo(ExitCode.OK);

        JsonObject report = new JsonObject(out);
        assertThat(report.getBoolean("clean")).isTrue();
        assertThat(report.getJsonArray("findings")).isEmpty();
        assertThat(report.getJsonArray("volumes").getJsonObject(0).getBoolean("intact"))
                .isTrue();
    }

    @Test
    void damageHasAnExitCodeOfItsOwnAndALine() throws IOException {
        RunningServer.on(top).close();
        for (String name : new String[] {"superblock-a", "superblock-b"}) {
            byte[] bytes = Files.readAllBytes(directory.resolve(name));
            bytes[60] ^= 1;
            Files.write(directory.resolve(name), bytes);
        }

        assertThat(check()).isEqualTo(ExitCode.DAMAGED);

        assertThat(out).contains("damage: superblock: superblock-a has a header with check value");
    }

    @Test
    void whatIsSalvagedIsServedUnderItsNames() throws IOException {
        try (RunningServer server = RunningServer.on(top)) {
            server.api().post("/v1/volumes", new JsonObject().put("sizeGiB", 1).put("name", "kept"));
        }
        Map<String, String> before = contents();
        Path copy = Files.createDirectory(top.resolve("copy"));

        assertThat(check("--salvage", copy.resolve("data").toString())).as(err).isEqualTo(ExitCode.OK);

        assertThat(out).contains("copied 2 volumes and snapshots");
        assertThat(contents()).isEqualTo(before);
        try (RunningServer server = RunningServer.on(copy)) {
            assertThat(server.api().get("/v1/volumes").body().encode()).contains("\"name\":\"kept\"");
        }
    }

    @Test
    void aTargetThatIsNotEmptyIsRefused() {
        RunningServer.on(top).close();

        assertThat(check("--salvage", top.toString())).isEqualTo(ExitCode.REFUSED);
        assertThat(err).contains("is not an empty directory");
    }

    @Test
    void aServerThatIsRunningIsLeftAlone() {
        try (RunningServer server = RunningServer.on(top)) {
            assertThat(check()).isEqualTo(ExitCode.LOCKED);
            assertThat(err).contains("another process");
            assertThat(server.daemon()).isNotNull();
        }
    }

    @Test
    void aDirectoryWithoutAStoreIsRefused() throws IOException {
        assertThat(check()).as("no directory").isEqualTo(ExitCode.REFUSED);
        Files.createDirectory(directory);
        assertThat(check()).isEqualTo(ExitCode.REFUSED);
        assertThat(err).contains("holds no store");
        try (Stream<Path> all = Files.list(directory)) {
            assertThat(all).isEmpty();
        }
    }
}
