package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Tokens and access keys on the command line, and what their roles let one do there. */
class CredentialCommandsTest {
    @TempDir
    private static Path directory;

    private static RunningServer server;
    private static String administrator;

    @BeforeAll
    static void start() {
        server = RunningServer.on(directory);
        administrator = new JsonObject(
                        run("token", "create", "--role", "administer", "--json").out())
                .getString("token");
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource({"token, TOKEN, tokenId, token", "access-key, ACCESS KEY, accessKeyId, secretAccessKey"})
    void oneIsMadeListedAndRemoved(String command, String heading, String idField, String secretField) {
        Outcome made = as(administrator, command, "create", "--role", "read", "--name", "somebody", "--json");
        assertThat(made.exitCode()).as(made.err()).isZero();
        String id = made.json().getString(idField);
        assertThat(made.json().getString(secretField)).hasSizeGreaterThanOrEqualTo(40);

        assertThat(as(administrator, command, "ls").out())
                .startsWith(heading)
                .contains(id)
                .contains("somebody")
                .contains("read")
                .doesNotContain(made.json().getString(secretField));

        assertThat(as(administrator, command, "rm", id).out()).isEqualTo("removed " + id + "\n");
        assertThat(as(administrator, command, "ls").out()).doesNotContain(id);
        Outcome again = as(administrator, command, "rm", id);
        assertThat(again.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(again.err()).contains("InvalidResource.NotFound");
    }

    @ParameterizedTest
    @ValueSource(strings = {"token", "access-key"})
    void withoutJsonTheSecretIsShownInATable(String command) {
        assertThat(as(administrator, command, "create", "--role", "operate").out())
                .startsWith("FIELD")
                .containsPattern("(token|secretAccessKey) +\\S{40}");
    }

    @Test
    void aRoleLetsOneDoWhatItSaysAndNoMore() {
        String reader = token("read");
        String operator = token("operate");

        assertThat(as(reader, "volume", "ls").exitCode()).isZero();
        Outcome refused = as(reader, "volume", "create", "--size", "1GiB");
        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.err()).contains("UnauthorizedOperation").contains("needs the role operate");
        assertThat(as(operator, "volume", "create", "--size", "1GiB").exitCode())
                .isZero();
        for (String command : List.of("token", "access-key")) {
            assertThat(as(operator, command, "ls").err()).contains("needs the role administer");
            assertThat(as(operator, command, "create", "--role", "read").err()).contains("UnauthorizedOperation");
            assertThat(as(administrator, command, "ls").exitCode()).isZero();
        }
    }

    @Test
    void aRemovedTokenOpensNothing() {
        JsonObject made = as(administrator, "token", "create", "--role", "operate", "--json")
                .json();
        assertThat(as(made.getString("token"), "volume", "ls").exitCode()).isZero();
        as(administrator, "token", "rm", made.getString("tokenId"));

        Outcome refused = as(made.getString("token"), "volume", "ls");

        assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(refused.err()).contains("AuthFailure").doesNotContain(made.getString("token"));
        assertThat(run("volume", "ls").err()).contains("a token is needed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"token create", "token create --role root", "token rm", "access-key rm", "token nonsense"})
    void whatMakesNoSenseIsRefused(String arguments) {
        List<String> all = new ArrayList<>(List.of(arguments.split(" ")));
        Outcome outcome = as(administrator, all.toArray(String[]::new));
        assertThat(outcome.exitCode()).isIn(ExitCode.USAGE, ExitCode.REFUSED);
        assertThat(outcome.err()).isNotBlank();
    }

    /** How a command ended. */
    private record Outcome(int exitCode, String out, String err) {
        JsonObject json() {
            return new JsonObject(out);
        }
    }

    private static String token(String role) {
        return as(administrator, "token", "create", "--role", role, "--json")
                .json()
                .getString("token");
    }

    private static Outcome as(String token, String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--token", token));
        return run(all.toArray(String[]::new));
    }

    private static Outcome run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--api", server.daemon().apiUri()));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine =
                Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        int exitCode = commandLine.execute(all.toArray(String[]::new));
        return new Outcome(exitCode, out.toString(), err.toString());
    }
}
