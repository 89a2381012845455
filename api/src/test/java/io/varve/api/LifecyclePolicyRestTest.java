package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lifecycle policies over REST; every answer is held against the OpenAPI document. */
class LifecyclePolicyRestTest {
    @TempDir
    private static Path directory;

    private static RunningServer server;
    private static Probe api;

    @BeforeAll
    static void start() {
        server = RunningServer.on(directory);
        api = server.api();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void aPolicyIsMadeDescribedChangedAndDeleted() {
        JsonObject wanted = new JsonObject()
                .put("name", "nightly")
                .put("targetTags", new JsonObject().put("backup", "yes"))
                .put(
                        "schedule",
                        new JsonObject()
                                .put("times", new JsonArray().add("15:30").add("03:00")))
                .put("keep", new JsonObject().put("count", 7));
        Probe.Reply made = api.post("/v1/lifecycle-policies", wanted);
        assertThat(made.status()).isEqualTo(201);
        String path = made.response().headers().firstValue("Location").orElseThrow();
        assertThat(made.body().getJsonObject("schedule").encode()).isEqualTo("{\"times\":[\"03:00\",\"15:30\"]}");
        assertThat(made.body().getString("nextRunTime")).matches(".*T(03:00|15:30):00Z");
        assertThat(api.get(path).body()).isEqualTo(made.body());
        JsonObject changed = api.patch(
                        path, new JsonObject().put("enabled", false).put("keep", new JsonObject().put("days", 30)))
                .body();
        assertThat(changed.getString("state")).isEqualTo("disabled");
        assertThat(changed.getJsonObject("keep").encode()).isEqualTo("{\"days\":30}");
        assertThat(api.get("/v1/lifecycle-policies?filter=state=disabled")
                        .body()
                        .getJsonArray("lifecyclePolicies"))
                .hasSize(1);
        assertThat(api.delete(path).status()).isEqualTo(204);
        assertThat(api.get(path).status()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"schedule":{"everyMinutes":5},"keep":{"count":1}}                                           | MissingParameter
                    {"targetTags":{},"schedule":{"everyMinutes":5},"keep":{"count":1}}                           | MissingParameter
                    {"targetTags":{"a":"b"},"schedule":{},"keep":{"count":1}}                                    | InvalidParameterCombination
                    {"targetTags":{"a":"b"},"schedule":{"everyMinutes":5,"times":["03:00"]},"keep":{"count":1}}  | InvalidParameterCombination
                    {"targetTags":{"a":"b"},"schedule":{"everyMinutes":0},"keep":{"count":1}}                    | InvalidParameterValue
                    {"targetTags":{"a":"b"},"schedule":{"times":["24:00"]},"keep":{"count":1}}                   | InvalidParameterValue
                    {"targetTags":{"a":"b"},"schedule":{"everyMinutes":5},"keep":{"count":1001}}                 | InvalidParameterValue
                    {"targetTags":{"a":"b"},"schedule":{"everyMinutes":5},"keep":{"count":1,"days":1}}           | InvalidParameterCombination
                    """)
    void aPolicyThatMakesNoSenseIsRefused(String body, String code) {
        assertThat(api.post("/v1/lifecycle-policies", body).code()).isEqualTo(code);
    }
}
