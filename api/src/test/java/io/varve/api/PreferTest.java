package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.varve.api.rest.Probe;
import io.varve.testing.RequiresTools;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that prefer to wait until work under way has ended. A volume is detaching as long as a client has it open, and
 * an instance is stopping until somebody tells that it is stopped.
 */
@RequiresTools({"qemu-io", "qemu-img", "prlimit"})
class PreferTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String ID = "i-0123456789abcdef0";
    private static final String INSTANCE = "/v1/instances/" + ID;

    @TempDir
    private Path directory;

    private final ExecutorService callers = Executors.newCachedThreadPool();
    private RunningServer server;
    private Probe api;
    private String volume = "";

    @BeforeEach
    void start() throws IOException {
        server = RunningServer.withImports(directory, Files.createDirectory(directory.resolve("images")));
        api = server.api();
        volume = server.newVolume(1).getString("volumeId");
        api.post("/v1/instances", new JsonObject().put("instanceId", ID));
    }

    @AfterEach
    void stop() {
        callers.shutdown();
        server.close();
    }

    @Test
    void theAnswerComesWhenTheVolumeIsFree() throws IOException {
        try (Holder holder = new Holder()) {
            attach();
            CompletableFuture<Probe.Reply> reply = detachLater("wait=45");
            await().atMost(PATIENCE).until(this::isDetaching);
            holder.close();
            assertThat(attachments(reply.join())).isEmpty();
            assertThat(applied(reply.join())).contains("wait=45");
        }
    }

    @Test
    void theAnswerComesWhenTheTimeIsOver() throws IOException {
        try (Holder holder = new Holder()) {
            attach();
            Probe.Reply reply = detach("respond-async, wait=1");
            assertThat(attachments(reply)).hasSize(1);
            assertThat(applied(reply)).contains("wait=1, respond-async");
            assertThat(applied(detach("respond-async"))).contains("respond-async");
            assertThat(applied(detach("wait=soon, handling=lenient"))).isEmpty();
        }
    }

    @Test
    void whereNothingIsUnderWayTheAnswerComesAtOnce() {
        attach();
        Probe.Reply reply = detach("wait=1000000, respond-async");
        assertThat(attachments(reply)).isEmpty();
        assertThat(applied(reply)).contains("wait=45");
    }

    @Test
    void whoWaitsHoldsNobodyUpAndOnlySoManyWait() throws IOException {
        try (Holder holder = new Holder()) {
            attach();
            List<CompletableFuture<Probe.Reply>> waiting =
                    IntStream.range(0, 32).mapToObj(i -> detachLater("wait")).toList();
            await().atMost(PATIENCE).until(() -> applied(detach("wait=1")).isEmpty());
            assertThat(server.newVolume(1).getString("state")).isEqualTo("available");
            assertThat(waiting).noneMatch(CompletableFuture::isDone);
            holder.close();
            assertThat(waiting).allSatisfy(reply -> {
                assertThat(attachments(reply.join())).isEmpty();
                assertThat(applied(reply.join())).contains("wait=45");
            });
        }
    }

    @Test
    void theCommandLineWaitsForADetachment() throws IOException {
        try (Holder holder = new Holder()) {
            attach();
            CompletableFuture<String> shown = later(() -> command("instance", "detach", ID, volume, "--wait", "45"));
            await().atMost(PATIENCE).until(this::isDetaching);
            assertThat(shown).isNotDone();
            holder.close();
            assertThat(shown.join()).contains("attachments").doesNotContain(volume);
            assertThat(attachments(api.get(INSTANCE))).isEmpty();
        }
    }

    @Test
    void anInstanceIsAnsweredWhenItIsThroughWithItsChange() {
        become("running", "wait=0");
        CompletableFuture<Probe.Reply> stopping = later(() -> become("stopping", "wait"));
        await().atMost(PATIENCE).until(() -> state(api.get(INSTANCE)).equals("stopping"));
        CompletableFuture<Probe.Reply> looking = later(() -> look("wait=30"));
        assertThat(state(look("wait=0"))).isEqualTo("stopping");
        assertThat(stopping).isNotDone();

        Probe.Reply stopped = become("stopped", "wait");

        assertThat(List.of(stopped, stopping.join(), looking.join())).allSatisfy(reply -> {
            assertThat(reply.status()).isEqualTo(200);
            assertThat(state(reply)).isEqualTo("stopped");
            assertThat(reply.response().headers().firstValue("ETag"))
                    .isEqualTo(stopped.response().headers().firstValue("ETag"));
        });
        assertThat(applied(stopping.join())).contains("wait=45");
        assertThat(applied(looking.join())).contains("wait=30");
    }

    @Test
    void anInstanceIsAnsweredWhenItsVolumesAreDetached() throws IOException {
        become("running", "wait=0");
        try (Holder holder = new Holder()) {
            attach();
            detach("wait=0");
            CompletableFuture<Probe.Reply> looking = later(() -> look("wait"));
            assertThat(attachments(look("wait=1"))).hasSize(1);
            assertThat(looking).isNotDone();
            holder.close();
            assertThat(attachments(looking.join())).isEmpty();
        }
    }

    @Test
    void theCommandLineWaitsForAnInstance() {
        become("running", "wait=0");
        become("shutting-down", "wait=0");
        assertThat(command("instance", "show", ID, "--wait", "1")).contains("shutting-down");
        CompletableFuture<String> shown = later(() -> command("instance", "show", ID, "--wait", "45"));
        assertThat(state(become("terminated", "wait"))).isEqualTo("terminated");
        assertThat(shown.join()).contains("terminated");
    }

    private Probe.Reply become(String state, String preference) {
        return api.send(api.json(INSTANCE + "/state")
                .header("Prefer", preference)
                .PUT(HttpRequest.BodyPublishers.ofString("{\"state\":\"%s\"}".formatted(state))));
    }

    private Probe.Reply look(String preference) {
        return api.send(api.request(INSTANCE).header("Prefer", preference).GET());
    }

    private <T> CompletableFuture<T> later(Supplier<T> call) {
        return CompletableFuture.supplyAsync(call, callers);
    }

    private String command(String... arguments) {
        StringWriter out = new StringWriter();
        String[] all = Stream.concat(
                        Stream.of(arguments), Stream.of("--api", server.daemon().apiUri()))
                .toArray(String[]::new);
        assertThat(Main.commandLine().setOut(new PrintWriter(out)).execute(all)).isZero();
        return out.toString();
    }

    private static String state(Probe.Reply reply) {
        return reply.body().getString("state");
    }

    @Test
    void exportsAndImportsAreAnsweredWhenTheyHaveEnded() {
        String snapshot = server.newSnapshot(volume).getString("snapshotId");
        JsonObject export = new JsonObject().put("format", "qcow2").put("file", "out.qcow2");
        Probe.Reply exported = api.send(
                preferring(api.json("/v1/exports"), "wait", export.copy().put("snapshotId", snapshot)));
        assertThat(exported.status()).isEqualTo(201);
        assertThat(exported.body().getString("state")).isEqualTo("completed");
        assertThat(applied(exported)).contains("wait=45");

        Probe.Reply imported = api.send(preferring(api.json("/v1/imports"), "wait=30", export));
        assertThat(imported.status()).isEqualTo(201);
        assertThat(imported.body().getString("state")).isEqualTo("completed");
        assertThat(applied(imported)).contains("wait=30");

        Probe.Reply later = api.send(api.request(
                        "/v1/imports/" + api.post("/v1/imports", export).body().getString("importId"))
                .header("Prefer", "wait")
                .GET());
        assertThat(later.body().getString("state")).isEqualTo("completed");
    }

    private static HttpRequest.Builder preferring(HttpRequest.Builder request, String preference, JsonObject body) {
        return request.header("Prefer", preference).POST(HttpRequest.BodyPublishers.ofString(body.encode()));
    }

    private void attach() {
        Probe.Reply attached = api.send(api.json(INSTANCE + "/attachments/" + volume)
                .PUT(HttpRequest.BodyPublishers.ofString("{\"deviceName\":\"/dev/vda\"}")));
        assertThat(attached.status()).isEqualTo(200);
    }

    private Probe.Reply detach(String preference) {
        return api.send(api.request(INSTANCE + "/attachments/" + volume)
                .header("Prefer", preference)
                .DELETE());
    }

    private CompletableFuture<Probe.Reply> detachLater(String preference) {
        return later(() -> detach(preference));
    }

    private boolean isDetaching() {
        return attachments(api.get(INSTANCE))
                .getJsonObject(0)
                .getString("state")
                .equals("detaching");
    }

    private static JsonArray attachments(Probe.Reply reply) {
        return reply.body().getJsonArray("attachments");
    }

    private static Optional<String> applied(Probe.Reply reply) {
        return reply.response().headers().firstValue("Preference-Applied");
    }

    /** A client that has the volume open. */
    private final class Holder implements AutoCloseable {
        private final Process process;

        Holder() throws IOException {
            process = new ProcessBuilder("qemu-io", "-f", "raw", server.daemon().nbdUri(volume), "-c", "sleep 600000")
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            await().atMost(PATIENCE)
                    .until(() -> api.get("/v1/volumes/" + volume)
                            .body()
                            .getString("state")
                            .equals("in-use"));
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
