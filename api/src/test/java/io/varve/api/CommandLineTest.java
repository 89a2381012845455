package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class CommandLineTest {
    @TempDir
    private Path directory;

    private RunningServer server;

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** How a command ended. */
    private record Outcome(int exitCode, String out, String err) {
        JsonObject json() {
            return new JsonObject(out);
        }
    }

    private static Outcome run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine =
                Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int exitCode = commandLine.execute(arguments);
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    private Outcome remote(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--api");
        all.add(server.daemon().apiUri());
        return run(all.toArray(String[]::new));
    }

    @Test
    void aVolumeLivesItsLifeOnTheCommandLine() {
        JsonObject created = remote(
                        "volume",
                        "create",
                        "--size",
                        "2GiB",
                        "--name",
                        "disk",
                        "--tag",
                        "a=b",
                        "--iops",
                        "50",
                        "--throughput",
                        "unlimited",
                        "--json")
                .json();
        assertThat(created.getInteger("sizeGiB")).isEqualTo(2);
        assertThat(created.getInteger("iops")).isEqualTo(50);

        assertThat(remote("volume", "ls").out())
                .startsWith("VOLUME ")
                .contains(created.getString("volumeId"))
                .contains("disk")
                .contains("2 GiB");
        assertThat(remote("volume", "extend", "disk", "--size", "1TiB", "--json")
                        .json()
                        .getInteger("sizeGiB"))
                .isEqualTo(1024);
        assertThat(remote("volume", "set", "disk", "--iops", "unlimited", "--name", "other", "--json")
                        .json()
                        .containsKey("iops"))
                .isFalse();
        assertThat(remote("volume", "set", "other", "--compression", "lz4", "--json")
                        .json()
                        .getString("compression"))
                .isEqualTo("lz4");
        JsonObject shared = remote("volume", "set", "other", "--minimum-iops", "70", "--weight", "300", "--json")
                .json();
        assertThat(shared.getInteger("minimumIops")).isEqualTo(70);
        assertThat(shared.getInteger("weight")).isEqualTo(300);
        assertThat(remote("volume", "set", "other", "--minimum-iops", "0", "--json")
                        .json()
                        .containsKey("minimumIops"))
                .isFalse();
        assertThat(remote("volume", "modifications", "other").out())
                .contains("local 2 GiB, 50 IOPS, - MiB/s")
                .contains("local 1024 GiB, - IOPS, - MiB/s");
        assertThat(remote("volume", "modifications", "--filter", "target-size=2", "--json")
                        .json()
                        .getJsonArray("modifications"))
                .isEmpty();
        assertThat(remote("volume", "show", "other").out()).contains("sizeGiB").contains("1024");
        assertThat(remote("volume", "rm", "other").out()).contains("deleted " + created.getString("volumeId"));
        assertThat(remote("volume", "show", "other").exitCode()).isEqualTo(ExitCode.REFUSED);
    }

    @Test
    void aSnapshotIsTakenAndRestoredOnTheCommandLine() {
        JsonObject snapshot = remote("snapshot", "create", "default", "--name", "before", "--json")
                .json();
        assertThat(remote("snapshot", "ls").out()).contains(snapshot.getString("snapshotId"));
        JsonObject restored =
                remote("volume", "create", "--snapshot", "before", "--json").json();
        assertThat(restored.getString("snapshotId")).isEqualTo(snapshot.getString("snapshotId"));
        assertThat(remote("snapshot", "show", "before").exitCode()).isZero();
        assertThat(remote("snapshot", "rm", "before").exitCode()).isZero();
    }

    @Test
    void snapshotsOfSeveralVolumesAreTakenAtOneInstantOnTheCommandLine() {
        remote("volume", "create", "--size", "1GiB", "--name", "log");
        JsonObject group = remote("snapshot", "create", "default", "log", "--name", "both", "--json")
                .json();
        assertThat(group.getJsonArray("snapshots")).hasSize(2);
        assertThat(remote("snapshot", "ls").out().split("both", -1)).hasSize(3);
    }

    @Test
    void whatTheServerRefusesEndsWithOneAndItsReason() {
        Outcome outcome = remote("volume", "create", "--size", "10GiB", "--type", "gp9");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(outcome.err()).startsWith("varve: ").contains("gp9").contains("UnknownVolumeType");
        assertThat(outcome.err().lines()).hasSize(1);
    }

    @Test
    void anAmbiguousNameIsRefused() {
        remote("volume", "create", "--size", "1GiB", "--name", "twin");
        remote("volume", "create", "--size", "1GiB", "--name", "twin");
        assertThat(remote("volume", "rm", "twin").err()).contains("more than one");
    }

    @Test
    void aServerThatIsNotThereEndsWithThree() {
        Outcome outcome = run("volume", "ls", "--api", "http://127.0.0.1:1");
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
        assertThat(outcome.err()).contains("http://127.0.0.1:1").contains("varve serve");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "volume create --size 10",
                "volume create --size ten",
                "volume extend disk",
                "volume",
                "nonsense",
                "volume ls --api nowhere",
                "serve --nbd here",
                "serve --nbd 127.0.0.1:99999",
                "serve --config no-such-file"
            })
    void whatMakesNoSenseEndsWithTwo(String arguments) {
        Outcome outcome = run(arguments.split(" "));
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(outcome.err()).isNotBlank();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "serve",
                "volume",
                "volume create",
                "volume ls",
                "volume show",
                "volume extend",
                "volume set",
                "volume rm",
                "snapshot",
                "snapshot create",
                "snapshot ls",
                "snapshot show",
                "snapshot rm",
                "image",
                "image register",
                "image launch",
                "instance",
                "instance attach",
                "completion"
            })
    void everyCommandHasHelp(String command) {
        Outcome outcome = run((command + " --help").trim().split(" "));
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).startsWith("Usage: varve").contains("--help");
    }

    @Test
    void theVersionAndTheCompletionScriptArePrinted() {
        assertThat(run("--version").out()).startsWith("varve ");
        assertThat(run("completion").out()).contains("complete -F").contains("volume");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--nbd 0.0.0.0:0", "--api 0.0.0.0:0", "--api [::]:0"})
    void listeningBeyondLoopbackIsRefusedWithTheReason(String option) {
        Path data = directory.resolve("untouched");
        Outcome outcome = run(("serve --data " + data + " " + option).split(" "));
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(outcome.err()).contains(option).contains("authentication").contains("--insecure");
        assertThat(data).doesNotExist();
    }

    @Test
    void aConfigurationWithAnUnknownSettingIsRefused() throws Exception {
        Path config = Files.writeString(directory.resolve("varve.properties"), "prot=1\n");
        Outcome outcome = run("serve", "--config", config.toString());
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(outcome.err()).contains("prot");
    }

    @Test
    void theStoreIsShownOnTheCommandLine() {
        assertThat(remote("store").out()).contains("liveBytes").contains("rateBytesPerSecond=4194304");
        assertThat(remote("store", "--json").json().getJsonObject("scrub").getLong("damageFound"))
                .isZero();
    }
}
