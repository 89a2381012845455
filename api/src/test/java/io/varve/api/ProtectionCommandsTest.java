package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Locks, rules, the recycle bin, policies, copies and portable files on the command line. */
class ProtectionCommandsTest {
    @TempDir
    private Path directory;

    private RunningServer server;
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aSnapshotIsCopiedLockedAndUnlocked() {
        ok("snapshot", "create", "default", "--name", "s");
        ok("snapshot", "copy", "s", "--name", "copy", "--tag", "a=b");
        assertThat(ok("snapshot", "lock", "copy", "--days", "3")).contains("governance");
        assertThat(run("snapshot", "rm", "copy")).isEqualTo(ExitCode.REFUSED);
        assertThat(err.toString()).contains("locked until");
        ok("snapshot", "unlock", "copy");
        ok("snapshot", "set", "copy", "--description", "a copy");
        ok("snapshot", "rm", "copy", "s");
        JsonObject copy = json("volume", "create", "--copy-of", "default");
        assertThat(copy.getInteger("sizeGiB")).isEqualTo(10);
    }

    @Test
    void aRuleKeepsWhatIsDeletedUntilItIsRestoredOrRemoved() {
        String rule = json("retention-rule", "create", "--for", "volume", "--days", "7", "--with-tag", "keep=yes")
                .getString("ruleId");
        String volume =
                json("volume", "create", "--size", "1GiB", "--tag", "keep=yes").getString("volumeId");
        ok("volume", "rm", volume);
        assertThat(ok("recycle-bin", "ls")).contains(volume).contains(rule);
        ok("recycle-bin", "restore", volume);
        ok("volume", "rm", volume);
        ok("recycle-bin", "rm", volume);
        assertThat(ok("recycle-bin", "ls")).doesNotContain(volume);
        ok("retention-rule", "set", rule, "--days", "8");
        assertThat(ok("retention-rule", "ls")).contains(rule).contains("unlocked");
        ok("retention-rule", "lock", rule, "--unlock-delay-days", "7");
        assertThat(ok("retention-rule", "unlock", rule)).contains("pending_unlock");
        assertThat(run("retention-rule", "rm", rule)).isEqualTo(ExitCode.REFUSED);
    }

    @Test
    void aPolicyIsMadeAndSwitchedOff() {
        String policy = json(
                        "lifecycle-policy",
                        "create",
                        "--name",
                        "nightly",
                        "--volumes",
                        "backup=yes",
                        "--at",
                        "03:00",
                        "--keep-count",
                        "7",
                        "--copy-tags")
                .getString("policyId");
        assertThat(ok("lifecycle-policy", "ls")).contains(policy).contains("03:00");
        assertThat(ok("lifecycle-policy", "set", policy, "--enabled", "false", "--keep-days", "30"))
                .contains("disabled");
        assertThat(ok("lifecycle-policy", "show", policy)).contains("days=30");
        ok("lifecycle-policy", "rm", policy);
    }

    @Test
    void aSnapshotGoesThroughAFileThatWasCutOff() throws IOException {
        ok("snapshot", "create", "default", "--name", "s");
        Path file = directory.resolve("s.varve");
        ok("snapshot", "export", "s", file.toString());
        byte[] whole = Files.readAllBytes(file);
        try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
            cut.setLength(whole.length - 10);
        }
        ok("snapshot", "export", "s", file.toString());
        assertThat(Files.readAllBytes(file)).isEqualTo(whole);
        ok("snapshot", "create", "default", "--name", "other");
        assertThat(run("snapshot", "export", "other", file.toString())).isEqualTo(ExitCode.REFUSED);

        assertThat(ok("snapshot", "import", file.toString(), "--name", "back")).contains("completed");
        assertThat(ok("snapshot", "show", "back")).contains("sourceSnapshotId");
        ok("snapshot", "export", "other", directory.resolve("i.varve").toString(), "--since", "s");
        ok("snapshot", "import", directory.resolve("i.varve").toString());
        assertThat(run("snapshot", "import", "/dev/null")).isEqualTo(ExitCode.REFUSED);
    }

    private JsonObject json(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--json");
        return new JsonObject(ok(all.toArray(String[]::new)));
    }

    private String ok(String... arguments) {
        StringWriter out = new StringWriter();
        int code = run(out, arguments);
        assertThat(code).as("%s: %s", String.join(" ", arguments), err).isZero();
        return out.toString();
    }

    private int run(String... arguments) {
        return run(new StringWriter(), arguments);
    }

    private int run(StringWriter out, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--api");
        all.add(server.daemon().apiUri());
        CommandLine commandLine =
                Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return commandLine.execute(all.toArray(String[]::new));
    }
}
