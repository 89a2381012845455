package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Instances and attachments over REST and on the command line; every answer is held against the OpenAPI document. */
class InstanceRestTest {
    private static final String ID = "i-0123456789abcdef0";
    private static final String PATH = "/v1/instances/" + ID;

    @TempDir
    private Path directory;

    private RunningServer server;
    private Probe api;
    private String volume = "";

    @BeforeEach
    void start() {
        server = RunningServer.on(directory);
        api = server.api();
        volume = server.newVolume(1).getString("volumeId");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void anInstanceGetsAVolumeRunsAndTakesItAlongWhenItIsTerminated() {
        JsonObject wanted = new JsonObject().put("instanceId", ID).put("name", "web");
        assertThat(api.post("/v1/instances", wanted).status()).isEqualTo(201);
        assertThat(api.post("/v1/instances", wanted).code()).isEqualTo("InvalidInstanceID.Duplicate");
        String attachment = PATH + "/attachments/" + volume;
        Probe.Reply attached = put(attachment, "{\"deviceName\":\"/dev/vda\",\"deleteOnTermination\":true}");
        assertThat(attached.body().getJsonArray("attachments")).hasSize(1);
        assertThat(api.delete("/v1/volumes/" + volume + "?force=true").code()).isEqualTo("VolumeInUse");
        assertThat(api.get("/v1/volumes/" + volume).body().getString("state")).isEqualTo("in-use");
        assertThat(api.get("/v1/instances?filter=block-device-mapping.volume-id=" + volume)
                        .body()
                        .getJsonArray("instances"))
                .hasSize(1);
        assertThat(put(PATH + "/state", "{\"state\":\"stopped\"}").code()).isEqualTo("IncorrectInstanceState");
        assertThat(put(PATH + "/state", "{\"state\":\"running\"}").status()).isEqualTo(200);
        assertThat(put(PATH + "/state", "{\"state\":\"terminated\"}").body().getJsonArray("attachments"))
                .isEmpty();
        assertThat(api.get("/v1/volumes/" + volume).status()).isEqualTo(404);
        assertThat(api.get(PATH).body().getString("state")).isEqualTo("terminated");
    }

    @Test
    void attachmentsAreChangedOnlyIfTheInstanceIsAsItWasSeen() {
        api.post("/v1/instances", new JsonObject().put("instanceId", ID));
        String attachment = PATH + "/attachments/" + volume;
        String unattached = api.get(PATH).etag();
        Probe.Reply attached = api.ifMatch("PUT", attachment, unattached, "{\"deviceName\":\"/dev/vda\"}");
        assertThat(attached.status()).isEqualTo(200);
        String whole = "{\"deleteOnTermination\":true}";

        assertThat(api.ifMatch("PUT", attachment, unattached, "{\"deviceName\":\"/dev/vdb\"}")
                        .status())
                .isEqualTo(412);
        assertThat(api.ifMatch("PATCH", attachment, unattached, whole).status()).isEqualTo(412);
        assertThat(api.ifMatch("DELETE", attachment, unattached, "").status()).isEqualTo(412);
        assertThat(api.get(PATH).etag()).as("nothing has changed").isEqualTo(attached.etag());

        Probe.Reply changed = api.ifMatch("PATCH", attachment, attached.etag(), whole);
        assertThat(changed.status()).isEqualTo(200);
        Probe.Reply detached = api.ifMatch("DELETE", attachment, changed.etag(), "");
        assertThat(detached.body().getJsonArray("attachments")).isEmpty();
    }

    @Test
    void aVolumeTellsWhereItIsAttachedAndIsFoundByThat() {
        server.newVolume(1);
        String path = "/v1/volumes/" + volume;
        assertThat(api.get(path).body().getJsonArray("attachments")).isEmpty();
        api.post("/v1/instances", new JsonObject().put("instanceId", ID));
        JsonObject instance = put(PATH + "/attachments/" + volume, "{\"deviceName\":\"/dev/vda\"}")
                .body();
        JsonObject attachment = api.get(path).body().getJsonArray("attachments").getJsonObject(0);
        assertThat(attachment).isEqualTo(instance.getJsonArray("attachments").getJsonObject(0));
        assertThat(attachment.getString("instanceId")).isEqualTo(ID);

        assertThat(found("attachment.instance-id=" + ID)).containsExactly(volume);
        assertThat(found("attachment.device=/dev/vd?")).containsExactly(volume);
        assertThat(found("attachment.status=attached")).containsExactly(volume);
        assertThat(found("attachment.delete-on-termination=false")).containsExactly(volume);
        assertThat(found("attachment.attach-time=" + attachment.getString("attachTime")))
                .containsExactly(volume);
        assertThat(found("attachment.status=detaching")).isEmpty();
        assertThat(found("attachment.delete-on-termination=true")).isEmpty();

        api.delete(PATH + "/attachments/" + volume);
        assertThat(api.get(path).body().getJsonArray("attachments")).isEmpty();
        assertThat(found("attachment.instance-id=" + ID)).isEmpty();
    }

    @Test
    void whetherAVolumeGoesWithItsInstanceIsSaidLaterToo() {
        api.post("/v1/instances", new JsonObject().put("instanceId", ID));
        String attachment = PATH + "/attachments/" + volume;
        JsonObject going = new JsonObject().put("deleteOnTermination", true);
        assertThat(api.patch(attachment, going).code()).isEqualTo("InvalidAttachment.NotFound");
        put(attachment, "{\"deviceName\":\"/dev/vda\"}");
        String data = server.newVolume(1).getString("volumeId");
        put(PATH + "/attachments/" + data, "{\"deviceName\":\"/dev/vdb\"}");
        JsonArray attachments = api.patch(attachment, going).body().getJsonArray("attachments");
        assertThat(attachments.stream()
                        .map(JsonObject.class::cast)
                        .map(one -> one.getString("deviceName") + " " + one.getBoolean("deleteOnTermination")))
                .containsExactly("/dev/vda true", "/dev/vdb false");

        put(PATH + "/state", "{\"state\":\"terminated\"}");
        assertThat(api.get("/v1/volumes/" + volume).status()).isEqualTo(404);
        assertThat(api.get("/v1/volumes/" + data).status()).isEqualTo(200);
    }

    private List<String> found(String filter) {
        return api.get("/v1/volumes?filter=" + filter.replace("?", "%3F")).body().getJsonArray("volumes").stream()
                .map(found -> ((JsonObject) found).getString("volumeId"))
                .toList();
    }

    @Test
    void anImageIsMadeOfAllThatIsAttachedAndARefusedOneLeavesNoSnapshots() {
        api.post("/v1/instances", new JsonObject().put("instanceId", ID));
        JsonObject wanted = new JsonObject().put("name", "web").put("clientToken", "t");
        assertThat(api.post(PATH + "/image", wanted).code()).isEqualTo("IncorrectState");
        String data = server.newVolume(2).getString("volumeId");
        put(PATH + "/attachments/" + volume, "{\"deviceName\":\"/dev/vda\",\"deleteOnTermination\":true}");
        put(PATH + "/attachments/" + data, "{\"deviceName\":\"/dev/vdb\"}");
        assertThat(api.post(PATH + "/image", wanted).code()).isEqualTo("MissingParameter");
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).isEmpty();

        Probe.Reply made = api.post(PATH + "/image", wanted.put("rootDeviceName", "/dev/vda"));
        assertThat(made.status()).isEqualTo(201);
        assertThat(api.post(PATH + "/image", wanted).body()).isEqualTo(made.body());
        assertThat(made.body().getJsonArray("blockDeviceMappings").stream()
                        .map(JsonObject.class::cast)
                        .map(mapping -> mapping.getString("deviceName") + " " + mapping.getInteger("sizeGiB") + " "
                                + mapping.getBoolean("deleteOnTermination")))
                .containsExactly("/dev/vda 1 true", "/dev/vdb 2 false");
        assertThat(api.get("/v1/snapshots").body().getJsonArray("snapshots")).hasSize(2);
    }

    @Test
    void whatIsNotThereIsRefusedWithEc2sCodes() {
        assertThat(api.get(PATH).code()).isEqualTo("InvalidInstanceID.NotFound");
        assertThat(api.get("/v1/instances/i-1").code()).isEqualTo("InvalidInstanceID.Malformed");
        api.post("/v1/instances", new JsonObject().put("instanceId", ID));
        assertThat(api.delete(PATH + "/attachments/" + volume).code()).isEqualTo("InvalidAttachment.NotFound");
        assertThat(put(PATH + "/state", "{\"state\":\"flying\"}").code()).isEqualTo("InvalidParameterValue");
    }

    @Test
    void theCommandLineDoesTheSame() {
        assertThat(remote("instance", "create", "--id", ID, "--name", "web")).contains("pending");
        assertThat(remote("instance", "attach", ID, volume, "/dev/vda")).contains("attached");
        assertThat(remote("instance", "state", ID, "running")).contains("running");
        assertThat(remote("image", "create", ID, "--name", "of web")).contains("ami-");
        assertThat(remote("instance", "ls")).contains("web").contains("running");
        assertThat(remote("instance", "detach", ID, volume, "--force")).doesNotContain("attached");
        assertThat(remote("instance", "show", ID)).contains(ID);
    }

    private Probe.Reply put(String path, String body) {
        return api.send(api.json(path).PUT(HttpRequest.BodyPublishers.ofString(body)));
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
