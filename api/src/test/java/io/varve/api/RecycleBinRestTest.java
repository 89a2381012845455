package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rules, locks, the recycle bin and copies over REST; every answer is held against the OpenAPI document. */
class RecycleBinRestTest {
    @TempDir
    private Path directory;

    private RunningServer server;
    private Probe api;

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
        api = server.api();
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aRuleIsMadeChangedLockedAndKeepsWhatIsDeleted() {
        JsonObject wanted = new JsonObject()
                .put("resourceType", "volume")
                .put("retentionDays", 7)
                .put("name", "week")
                .put("clientToken", "t");
        Probe.Reply made = api.post("/v1/retention-rules", wanted);
        assertThat(made.status()).isEqualTo(201);
        assertThat(api.post("/v1/retention-rules", wanted).body()).isEqualTo(made.body());
        String rule = made.response().headers().firstValue("Location").orElseThrow();
        assertThat(api.patch(rule, new JsonObject().put("retentionDays", 8))
                        .body()
                        .getInteger("retentionDays"))
                .isEqualTo(8);
        assertThat(api.get("/v1/retention-rules?filter=resource-type=volume")
                        .body()
                        .getJsonArray("retentionRules"))
                .hasSize(1);

        String volume = server.newVolume(1).getString("volumeId");
        assertThat(api.delete("/v1/volumes/" + volume).status()).isEqualTo(204);
        assertThat(api.get("/v1/volumes/" + volume).code()).isEqualTo("InvalidVolume.NotFound");
        JsonObject binned = api.get("/v1/recycle-bin/volumes")
                .body()
                .getJsonArray("volumes")
                .getJsonObject(0);
        assertThat(binned.getString("state")).isEqualTo("recoverable");
        assertThat(binned.getString("retentionRuleId")).isEqualTo(made.body().getString("ruleId"));
        assertThat(api.post("/v1/recycle-bin/volumes/" + volume + "/restore", "{}")
                        .body()
                        .getString("state"))
                .isEqualTo("available");

        api.delete("/v1/volumes/" + volume);
        assertThat(put(rule + "/lock", "{\"unlockDelayDays\":7}").body().getString("lockState"))
                .isEqualTo("locked");
        assertThat(api.delete("/v1/recycle-bin/volumes/" + volume).code()).isEqualTo("OperationNotPermitted");
        assertThat(api.delete(rule).code()).isEqualTo("OperationNotPermitted");
        assertThat(api.delete(rule + "/lock").body().getString("lockState")).isEqualTo("pending_unlock");
    }

    @Test
    void aSnapshotIsLockedAndUnlocked() {
        String volume = server.newVolume(1).getString("volumeId");
        String path = "/v1/snapshots/" + server.newSnapshot(volume).getString("snapshotId");
        JsonObject locked = put(path + "/lock", "{\"mode\":\"compliance\",\"coolOffHours\":24,\"durationDays\":30}")
                .body();
        assertThat(locked.getJsonObject("lock").getString("state")).isEqualTo("compliance-cooloff");
        assertThat(api.delete(path).status()).isEqualTo(409);
        assertThat(api.get("/v1/snapshots?filter=lock-state=compliance*").body().getJsonArray("snapshots"))
                .hasSize(1);
        assertThat(api.delete(path + "/lock").body().containsKey("lock")).isFalse();
        assertThat(api.delete(path).status()).isEqualTo(204);
    }

    @Test
    void volumesAndSnapshotsAreCopied() {
        String volume = server.newVolume(2).getString("volumeId");
        JsonObject copy = api.post("/v1/volumes", new JsonObject().put("sourceVolumeId", volume))
                .body();
        assertThat(copy.getString("sourceVolumeId")).isEqualTo(volume);
        assertThat(copy.getInteger("sizeGiB")).isEqualTo(2);
        String snapshot = server.newSnapshot(volume).getString("snapshotId");
        JsonObject second = api.post("/v1/snapshots", new JsonObject().put("sourceSnapshotId", snapshot))
                .body();
        assertThat(second.getString("sourceSnapshotId")).isEqualTo(snapshot);
        assertThat(second.getString("volumeId")).isEqualTo(volume);
        assertThat(api.post("/v1/snapshots", new JsonObject().put("sourceSnapshotId", "snap-00000000000000000"))
                        .code())
                .isEqualTo("InvalidSnapshot.NotFound");
        assertThat(api.post(
                                "/v1/volumes",
                                new JsonObject().put("sourceVolumeId", volume).put("sizeGiB", 1))
                        .code())
                .isEqualTo("InvalidParameterValue");
        assertThat(api.post(
                                "/v1/volumes",
                                new JsonObject().put("sourceVolumeId", volume).put("snapshotId", snapshot))
                        .code())
                .isEqualTo("InvalidParameterCombination");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"resourceType":"volume"}                                          | MissingParameter
                    {"resourceType":"instance","retentionDays":1}                      | InvalidParameterValue
                    {"resourceType":"volume","retentionDays":0}                        | InvalidParameterValue
                    {"resourceType":"volume","retentionDays":3651}                     | InvalidParameterValue
                    {"resourceType":"volume","retentionDays":1,"unlockDelayDays":6}    | InvalidParameterValue
                    """)
    void aRuleThatMakesNoSenseIsRefused(String body, String code) {
        assertThat(api.post("/v1/retention-rules", body).code()).isEqualTo(code);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"mode":"governance"}                                              | InvalidParameterCombination
                    {"mode":"firm","durationDays":1}                                   | InvalidParameterValue
                    {"mode":"compliance","durationDays":36501}                         | InvalidParameterValue
                    {"mode":"compliance","durationDays":1,"coolOffHours":73}           | InvalidParameterValue
                    {"mode":"compliance","expirationTime":"tomorrow"}                  | InvalidParameterValue
                    {"mode":"compliance","expirationTime":"2020-01-01T00:00:00Z"}      | InvalidParameterValue
                    """)
    void aLockThatMakesNoSenseIsRefused(String body, String code) {
        String volume = server.newVolume(1).getString("volumeId");
        String snapshot = server.newSnapshot(volume).getString("snapshotId");
        assertThat(put("/v1/snapshots/" + snapshot + "/lock", body).code()).isEqualTo(code);
    }

    private Probe.Reply put(String path, String body) {
        return api.send(api.json(path).PUT(HttpRequest.BodyPublishers.ofString(body)));
    }
}
