package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Images over REST and on the command line; every answer is held against the OpenAPI document. */
class ImageRestTest {
    @TempDir
    private Path directory;

    private RunningServer server;
    private Probe api;
    private String snapshot = "";

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
        api = server.api();
        snapshot = server.newSnapshot(server.newVolume(1).getString("volumeId")).getString("snapshotId");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void anImageIsRegisteredFoundChangedLaunchedAndDeregistered() {
        Probe.Reply made = api.post("/v1/images", image("web 1"));
        assertThat(made.status()).isEqualTo(201);
        String path = made.response().headers().firstValue("Location").orElseThrow();
        assertThat(api.get(path).body()).isEqualTo(made.body());
        assertThat(found("filter=block-device-mapping.snapshot-id=" + snapshot + "&filter=name=web*"))
                .hasSize(1);
        assertThat(found("filter=state=pending")).isEmpty();

        JsonObject changes = new JsonObject()
                .put("deprecationTime", "2999-01-01T00:00:00Z")
                .put("deregistrationProtection", true)
                .put("tags", new JsonObject().put("team", "red"));
        assertThat(api.patch(path, changes).body().getString("deprecationTime")).startsWith("2999");
        assertThat(api.delete(path).code()).isEqualTo("OperationNotPermitted");
        assertThat(api.delete("/v1/snapshots/" + snapshot).code()).isEqualTo("InvalidSnapshot.InUse");
        assertThat(api.patch(path, new JsonObject().put("deprecationTime", "2001-01-01T00:00:00Z"))
                        .code())
                .isEqualTo("InvalidParameterValue");

        Probe.Reply launched = api.post(path + "/volumes", new JsonObject().put("count", 2));
        assertThat(launched.status()).isEqualTo(201);
        assertThat(launched.body().getJsonArray("launches")).hasSize(2);
        api.patch(path, new JsonObject().put("deregistrationProtection", false).putNull("deprecationTime"));
        JsonObject gone = api.delete(path + "?deleteSnapshots=true").body();
        assertThat(gone.getJsonArray("snapshots").getJsonObject(0).getBoolean("deleted"))
                .isTrue();
        assertThat(api.get(path).code()).isEqualTo("InvalidAMIID.NotFound");
        assertThat(api.get("/v1/snapshots/" + snapshot).status()).isEqualTo(404);
    }

    @Test
    void anImageIsCopiedAndNotWhileItIsDisabled() {
        String path = api.post("/v1/images", image("web"))
                .response()
                .headers()
                .firstValue("Location")
                .orElseThrow();
        Probe.Reply copied =
                api.post(path + "/copy", new JsonObject().put("name", "again").put("clientToken", "t"));
        assertThat(copied.status()).isEqualTo(201);
        assertThat(copied.body()
                        .getJsonArray("blockDeviceMappings")
                        .getJsonObject(0)
                        .getString("snapshotId"))
                .isNotEqualTo(snapshot);
        assertThat(api.patch(path, new JsonObject().put("disabled", true))
                        .body()
                        .getString("state"))
                .isEqualTo("disabled");
        Probe.Reply refused = api.post(path + "/copy", new JsonObject().put("name", "third"));
        assertThat(refused.code()).isEqualTo("InvalidAMIID.Unavailable");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(api.post(path + "/volumes", "{}").code()).isEqualTo("InvalidAMIID.Unavailable");
        assertThat(found("filter=state=disabled")).hasSize(1);
        assertThat(api.post("/v1/images/ami-00000000000000000/copy", new JsonObject().put("name", "none"))
                        .code())
                .isEqualTo("InvalidAMIID.NotFound");
    }

    @Test
    void anInstanceIsLaunchedFromAnImage() {
        String id = api.post("/v1/images", image("web")).body().getString("imageId");
        JsonObject more = new JsonObject().put("deviceName", "/dev/sdb").put("sizeGiB", 2);
        Probe.Reply made = api.post(
                "/v1/instances",
                new JsonObject().put("imageId", id).put("blockDeviceMappings", new JsonArray().add(more)));
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.body().getString("imageId")).isEqualTo(id);
        assertThat(made.body().getJsonArray("attachments")).hasSize(2);
        assertThat(api.post("/v1/instances", new JsonObject().put("blockDeviceMappings", new JsonArray().add(more)))
                        .code())
                .isEqualTo("MissingParameter");
        assertThat(api.post("/v1/instances", new JsonObject().put("imageId", "ami-1"))
                        .code())
                .isEqualTo("InvalidAMIID.Malformed");
        assertThat(remote("instance", "create", "--image", "web")).contains(id).contains("/dev/sda1");
    }

    @Test
    void anImageIsKeptInTheBinAndRestoredOrPurged() {
        api.post(
                "/v1/retention-rules",
                new JsonObject().put("resourceType", "image").put("retentionDays", 7));
        String id = api.post("/v1/images", image("web")).body().getString("imageId");
        String binned = "/v1/recycle-bin/images/" + id;
        assertThat(api.delete("/v1/images/" + id).status()).isEqualTo(200);
        assertThat(found("")).isEmpty();
        assertThat(api.get("/v1/recycle-bin/images").body().getJsonArray("images"))
                .hasSize(1);
        assertThat(remote("recycle-bin", "ls")).contains(id);
        assertThat(api.post(binned + "/restore", "{}").body().getString("state"))
                .isEqualTo("available");
        assertThat(api.post(binned + "/restore", "{}").code()).isEqualTo("InvalidAMIID.NotFound");
        api.delete("/v1/images/" + id);
        assertThat(api.delete(binned).status()).isEqualTo(204);
        assertThat(api.delete("/v1/recycle-bin/images/ami-1").code()).isEqualTo("InvalidAMIID.Malformed");
    }

    @ParameterizedTest
    @CsvSource({"ami-1, InvalidAMIID.Malformed, 400", "ami-00000000000000000, InvalidAMIID.NotFound, 404"})
    void whatIsNoImageIsRefused(String id, String code, int status) {
        Probe.Reply reply = api.get("/v1/images/" + id);
        assertThat(reply.code()).isEqualTo(code);
        assertThat(reply.status()).isEqualTo(status);
    }

    @Test
    void whatMakesNoImageIsRefused() {
        api.post("/v1/images", image("web"));
        assertThat(api.post("/v1/images", image("web")).code()).isEqualTo("InvalidAMIName.Duplicate");
        assertThat(api.post("/v1/images", image("web").put("rootDeviceName", "/dev/sdz"))
                        .code())
                .isEqualTo("InvalidBlockDeviceMapping");
        assertThat(api.post("/v1/images", image("no")).code()).isEqualTo("InvalidParameterValue");
        JsonArray tooMany = new JsonArray();
        for (int i = 0; i < 51; i++) {
            tooMany.add(new JsonObject().put("deviceName", "/dev/sd" + i).put("snapshotId", snapshot));
        }
        assertThat(api.post("/v1/images", image("many").put("blockDeviceMappings", tooMany))
                        .code())
                .isEqualTo("InvalidParameterValue");
    }

    @Test
    void theCommandLineDoesTheSame() {
        assertThat(remote("image", "register", "--name", "web", "--disk", "/dev/sda1=" + snapshot, "--protect"))
                .contains("ami-");
        assertThat(remote("image", "ls")).contains("web").contains("available");
        assertThat(remote("image", "launch", "web", "--count", "2").lines()).hasSize(3);
        assertThat(remote("image", "set", "web", "--no-protect", "--tag", "team=red"))
                .contains("red");
        assertThat(remote("image", "set", "web", "--disable")).contains("disabled");
        assertThat(remote("image", "set", "web", "--no-disable")).contains("available");
        assertThat(remote("image", "copy", "web", "--name", "again")).contains("again");
        assertThat(remote("image", "show", "web")).contains("/dev/sda1");
        assertThat(remote("image", "deregister", "web", "--delete-snapshots"))
                .contains("deregistered ami-")
                .contains("deleted " + snapshot);
    }

    private JsonObject image(String name) {
        return new JsonObject()
                .put("name", name)
                .put(
                        "blockDeviceMappings",
                        new JsonArray()
                                .add(new JsonObject()
                                        .put("deviceName", "/dev/sda1")
                                        .put("snapshotId", snapshot)
                                        .put("iops", 100)));
    }

    private JsonArray found(String query) {
        return api.get("/v1/images?" + query).body().getJsonArray("images");
    }

    private String remote(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--api", server.daemon().apiUri()));
        StringWriter out = new StringWriter();
        int exitCode = Main.commandLine().setOut(new PrintWriter(out)).execute(all.toArray(String[]::new));
        assertThat(exitCode).isZero();
        return out.toString();
    }
}
