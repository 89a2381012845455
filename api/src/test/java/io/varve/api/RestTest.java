package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the REST API does when it is asked rightly. Every answer is held against the OpenAPI document. */
class RestTest {
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
    void anEmptyStoreGetsADefaultVolume() {
        JsonArray volumes = api.get("/v1/volumes").body().getJsonArray("volumes");
        assertThat(volumes).hasSize(1);
        JsonObject volume = volumes.getJsonObject(0);
        assertThat(volume.getString("name")).isEqualTo("default");
        assertThat(volume.getInteger("sizeGiB")).isEqualTo(10);
        assertThat(volume.getString("volumeType")).isEqualTo("local");
        assertThat(volume.getString("nbdUri")).isEqualTo(server.daemon().nbdUri(volume.getString("volumeId")));
    }

    @Test
    void aVolumeIsCreatedDescribedChangedAndDeleted() {
        JsonObject wanted = new JsonObject()
                .put("sizeGiB", 3)
                .put("name", "disk")
                .put("iops", 100)
                .put("tags", new JsonObject().put("team", "red").put("old", "x"));
        Probe.Reply created = api.post("/v1/volumes", wanted);
        assertThat(created.status()).isEqualTo(201);
        String path = "/v1/volumes/" + created.body().getString("volumeId");
        assertThat(api.get(path).body()).isEqualTo(created.body());

        JsonObject change = new JsonObject()
                .put("sizeGiB", 5)
                .putNull("iops")
                .put("throughputMiBps", 50)
                .putNull("name")
                .put("tags", new JsonObject().put("new", "y").putNull("old"));
        JsonObject changed = api.patch(path, change).body();
        assertThat(changed.getInteger("sizeGiB")).isEqualTo(5);
        assertThat(changed.containsKey("iops")).isFalse();
        assertThat(changed.getInteger("throughputMiBps")).isEqualTo(50);
        assertThat(changed.containsKey("name")).isFalse();
        assertThat(changed.getJsonObject("tags").encode()).isEqualTo("{\"new\":\"y\",\"team\":\"red\"}");

        assertThat(api.delete(path).status()).isEqualTo(204);
        assertThat(api.get(path).code()).isEqualTo("InvalidVolume.NotFound");
    }

    @Test
    void whatOfAVolumeIsCompressedIsSetAtCreationAndLater() {
        Probe.Reply created =
                api.post("/v1/volumes", new JsonObject().put("sizeGiB", 1).put("compression", "lz4"));
        assertThat(created.body().getString("compression")).isEqualTo("lz4");
        String path = "/v1/volumes/" + created.body().getString("volumeId");

        Probe.Reply changed = api.patch(path, new JsonObject().put("compression", "off"));
        assertThat(changed.body().getString("compression")).isEqualTo("off");
        assertThat(api.patch(path, new JsonObject().put("compression", "auto").put("sizeGiB", 2))
                        .code())
                .isEqualTo("InvalidParameterCombination");
        assertThat(api.get(path).body()).isEqualTo(changed.body());
        assertThat(server.newVolume(1).getString("compression")).isEqualTo("auto");
    }

    @Test
    void aSnapshotIsTakenRestoredAndDeleted() {
        String volume = server.newVolume(2).getString("volumeId");
        Probe.Reply taken = api.post(
                "/v1/snapshots", new JsonObject().put("volumeId", volume).put("description", "before the upgrade"));
        assertThat(taken.status()).isEqualTo(201);
        assertThat(taken.body().getString("state")).isEqualTo("completed");
        assertThat(taken.body().getInteger("volumeSizeGiB")).isEqualTo(2);
        String snapshot = taken.body().getString("snapshotId");
        assertThat(api.get("/v1/snapshots/" + snapshot).body()).isEqualTo(taken.body());
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).hasSize(1);

        JsonObject restored = api.post("/v1/volumes", new JsonObject().put("snapshotId", snapshot))
                .body();
        assertThat(restored.getInteger("sizeGiB")).isEqualTo(2);
        assertThat(restored.getString("snapshotId")).isEqualTo(snapshot);
        assertThat(api.delete("/v1/snapshots/" + snapshot).status()).isEqualTo(204);
        assertThat(api.get("/v1/volumes/" + restored.getString("volumeId")).status())
                .isEqualTo(200);
    }

    @Test
    void snapshotsOfSeveralVolumesAreTakenTogetherOrNotAtAll() {
        String first = server.newVolume(2).getString("volumeId");
        String second = server.newVolume(1).getString("volumeId");
        JsonObject wanted = new JsonObject()
                .put("volumeIds", new JsonArray().add(first).add(second))
                .put("name", "both");
        Probe.Reply taken = api.post("/v1/snapshot-groups", wanted);

        assertThat(taken.status()).isEqualTo(201);
        JsonArray snapshots = taken.body().getJsonArray("snapshots");
        assertThat(snapshots).hasSize(2);
        assertThat(snapshots.getJsonObject(0).getString("volumeId")).isEqualTo(first);
        assertThat(snapshots.getJsonObject(1).getString("volumeId")).isEqualTo(second);
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).hasSize(2);

        api.patch("/v1/volumes/" + second, new JsonObject().put("tags", new JsonObject().put("team", "red")));
        JsonArray tagged = api.post("/v1/snapshot-groups", wanted.copy().put("copyTags", true))
                .body()
                .getJsonArray("snapshots");
        assertThat(tagged.getJsonObject(0).getJsonObject("tags")).isEmpty();
        assertThat(tagged.getJsonObject(1).getJsonObject("tags")).isEqualTo(new JsonObject().put("team", "red"));

        JsonArray unknown = new JsonArray().add(first).add("vol-00000000000000001");
        assertThat(api.post("/v1/snapshot-groups", new JsonObject().put("volumeIds", unknown))
                        .code())
                .isEqualTo("InvalidVolume.NotFound");
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).hasSize(4);
    }

    @Test
    void theSameTokenGivesTheSameAnswerAndOtherParametersAreRefused() {
        JsonObject wanted = new JsonObject().put("sizeGiB", 1).put("clientToken", "t-1");
        Probe.Reply first = api.post("/v1/volumes", wanted);
        assertThat(api.post("/v1/volumes", wanted).body()).isEqualTo(first.body());
        assertThat(api.post("/v1/volumes", wanted.copy().put("sizeGiB", 2)).code())
                .isEqualTo("IdempotentParameterMismatch");

        String volume = first.body().getString("volumeId");
        JsonObject snapshot = new JsonObject().put("volumeId", volume).put("clientToken", "t-1");
        Probe.Reply taken = api.post("/v1/snapshots", snapshot);
        assertThat(api.post("/v1/snapshots", snapshot).body()).isEqualTo(taken.body());
        assertThat(api.post("/v1/snapshots", snapshot.copy().put("name", "x")).code())
                .isEqualTo("IdempotentParameterMismatch");

        String other = server.newVolume(1).getString("volumeId");
        JsonArray both = new JsonArray().add(volume).add(other);
        JsonObject group = new JsonObject().put("volumeIds", both).put("clientToken", "t-1");
        Probe.Reply together = api.post("/v1/snapshot-groups", group);
        assertThat(api.post("/v1/snapshot-groups", group).body()).isEqualTo(together.body());
        assertThat(api.post("/v1/snapshot-groups", group.copy().put("description", "x"))
                        .code())
                .isEqualTo("IdempotentParameterMismatch");
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).hasSize(3);
    }

    @Test
    void whatWasSaidAboutAVolumeIsThereAfterARestart() {
        JsonObject wanted =
                new JsonObject().put("sizeGiB", 1).put("name", "kept").put("iops", 7);
        JsonObject before = api.post("/v1/volumes", wanted).body();
        server.close();
        server = RunningServer.on(directory);
        JsonObject after =
                server.api().get("/v1/volumes/" + before.getString("volumeId")).body();
        before.remove("nbdUri");
        after.remove("nbdUri");
        assertThat(after).isEqualTo(before);
    }

    @Test
    void theServerTellsHowItIs() {
        assertThat(api.get("/healthz").body().getString("status")).isEqualTo("ok");
        assertThat(api.get("/readyz").body().getString("status")).isEqualTo("ok");
        assertThat(api.get("/openapi.json").body().getString("openapi")).isEqualTo("3.1.0");
    }

    @Test
    void metricsShowTheStoreAndTheJvm() {
        String metrics = api.get("/metrics").response().body();
        assertThat(metrics)
                .contains("varve_volumes 1.0")
                .contains("varve_snapshots 0.0")
                .contains("varve_store_space_bytes{kind=\"live\"}")
                .contains("varve_compaction_written_bytes_total")
                .contains("varve_nbd_in_flight_bytes 0.0")
                .contains("varve_volume_size_bytes{volume=\"vol-")
                .contains("jvm_memory_used_bytes");
    }

    @Test
    void theStoreTellsItsSpaceAndItsScrub() {
        JsonObject store = api.get("/v1/store").body();

        assertThat(store.getJsonObject("space").getLong("freeBytes")).isPositive();
        assertThat(store.getJsonObject("scrub").getLong("rateBytesPerSecond")).isEqualTo(4 << 20);
        assertThat(store.getJsonObject("scrub").getJsonArray("damaged")).isEmpty();
    }
}
