package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** An administrator's token for whom the data directory belongs to. */
class TokenRecoverTest {
    private static final Pattern PRINTED = Pattern.compile("tokenId +(tok-[0-9a-f]{17})\ntoken +(varve_\\S+)\n");

    @TempDir
    private Path directory;

    @Test
    void whoHasLostTheLastTokenGetsInAgain() throws IOException {
        String lost;
        String volume;
        try (RunningServer server = RunningServer.on(directory)) {
            volume = server.newVolume(1).getString("volumeId");
            lost = server.api()
                    .post("/v1/tokens", new JsonObject().put("role", "administer"))
                    .body()
                    .getString("tokenId");
        }

        Matcher made = recover();

        try (RunningServer server = RunningServer.on(directory)) {
            assertThat(server.api().get("/v1/volumes").status()).isEqualTo(401);
            assertThat(as(server, made.group(2), "GET", "/v1/volumes/" + volume).status())
                    .isEqualTo(200);
            assertThat(as(server, made.group(2), "GET", "/v1/tokens").body().encode())
                    .contains(lost)
                    .contains("recovered")
                    .contains(made.group(1));
            assertThat(as(server, made.group(2), "DELETE", "/v1/tokens/" + lost).status())
                    .isEqualTo(204);
        }
        List<String> audit = Files.readAllLines(directory.resolve("data/audit.log"));
        assertThat(audit)
                .anySatisfy(line -> assertThat(line)
                        .contains("\"who\":\"offline\"")
                        .contains("\"operation\":\"recoverToken\"")
                        .contains(made.group(1)));
    }

    @Test
    void theFirstTokenCanBeThereBeforeTheFirstStart() {
        Matcher made = recover();

        try (RunningServer server = RunningServer.on(directory)) {
            assertThat(server.api().get("/v1/volumes").status()).isEqualTo(401);
            Probe.Reply volumes = as(server, made.group(2), "GET", "/v1/volumes");
            assertThat(volumes.body().getJsonArray("volumes"))
                    .as("the default volume")
                    .hasSize(1);
        }
    }

    @Test
    void whatAServerHasOpenIsLeftAlone() {
        try (RunningServer server = RunningServer.on(directory)) {
            StringWriter err = new StringWriter();

            int exitCode = commandLine(new StringWriter(), err)
                    .execute(
                            "token",
                            "recover",
                            "--data",
                            directory.resolve("data").toString());

            assertThat(exitCode).isEqualTo(ExitCode.LOCKED);
            assertThat(err.toString()).contains("another process");
            assertThat(server.api().get("/v1/tokens").body().getJsonArray("tokens"))
                    .isEmpty();
        }
    }

    private Matcher recover() {
        StringWriter out = new StringWriter();
        int exitCode = commandLine(out, new StringWriter())
                .execute("token", "recover", "--data", directory.resolve("data").toString());
        assertThat(exitCode).isZero();
        Matcher printed = PRINTED.matcher(out.toString());
        assertThat(printed.matches()).as(out.toString()).isTrue();
        return printed;
    }

    private static CommandLine commandLine(StringWriter out, StringWriter err) {
        return Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    }

    private static Probe.Reply as(RunningServer server, String token, String method, String path) {
        return server.api()
                .send(server.api()
                        .request(path)
                        .header("Authorization", "Bearer " + token)
                        .method(method, java.net.http.HttpRequest.BodyPublishers.noBody()));
    }
}
