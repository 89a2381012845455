package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes of what is said about objects, and how two clients keep out of each other's way. */
class ChangeTest {
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
    void aSnapshotIsRenamedDescribedAndTagged() {
        String path = snapshot();
        JsonObject tags = new JsonObject().put("a", "1").put("b", "2");
        api.patch(path, new JsonObject().put("name", "n").put("tags", tags));
        JsonObject change = new JsonObject()
                .put("description", "nightly")
                .putNull("name")
                .put("tags", new JsonObject().putNull("a").put("c", "3"));
        JsonObject changed = api.patch(path, change).body();
        assertThat(changed.getString("description")).isEqualTo("nightly");
        assertThat(changed.containsKey("name")).isFalse();
        assertThat(changed.getJsonObject("tags").encode()).isEqualTo("{\"b\":\"2\",\"c\":\"3\"}");
        assertThat(api.get(path).body()).isEqualTo(changed);
    }

    @Test
    void moreThanFiftyTagsAreRefusedAlsoOneByOne() {
        String path = snapshot();
        for (int i = 0; i < 50; i++) {
            api.patch(path, tag("k" + i, "v"));
        }
        assertThat(api.patch(path, tag("one more", "v")).code()).isEqualTo("TagLimitExceeded");
        assertThat(api.patch(path, tag("k0", "changed")).status()).isEqualTo(200);
    }

    @Test
    void aChangeIsMadeOnlyIfTheObjectStillHasTheETag() {
        String path = snapshot();
        String seen = api.get(path).etag();
        Probe.Reply changed = ifMatch(path, seen, "{\"description\":\"mine\"}");
        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.etag()).isNotEqualTo(seen).isEqualTo(api.get(path).etag());

        Probe.Reply late = ifMatch(path, seen, "{\"description\":\"theirs\"}");
        assertThat(late.status()).isEqualTo(412);
        assertThat(late.code()).isEqualTo("PreconditionFailed");
        assertThat(api.get(path).body().getString("description")).isEqualTo("mine");
        assertThat(api.send(api.request(path).header("If-Match", seen).DELETE()).status())
                .isEqualTo(412);
        assertThat(ifMatch(path, "\"x\", " + changed.etag(), "{\"description\":\"a\"}")
                        .status())
                .isEqualTo(200);
        assertThat(ifMatch(path, "W/" + api.get(path).etag(), "{\"description\":\"b\"}")
                        .status())
                .isEqualTo(412);
        assertThat(ifMatch(path, "unquoted", "{\"description\":\"b\"}").code()).isEqualTo("InvalidParameterValue");
        assertThat(api.send(api.request(path).header("If-Match", "*").DELETE()).status())
                .isEqualTo(204);
    }

    @Test
    void whatWasMadeSaysWhereItIsAndInWhichVersion() {
        Probe.Reply made = api.post("/v1/volumes", new JsonObject().put("sizeGiB", 1));
        String location = made.response().headers().firstValue("Location").orElseThrow();
        Probe.Reply found = api.get(location);
        assertThat(found.body()).isEqualTo(made.body());
        assertThat(found.etag()).isEqualTo(made.etag());
        assertThat(ifMatch(location, made.etag(), "{\"sizeGiB\":2}").status()).isEqualTo(200);
        assertThat(ifMatch(location, made.etag(), "{\"sizeGiB\":3}").status()).isEqualTo(412);
    }

    private String snapshot() {
        String volume = server.newVolume(1).getString("volumeId");
        return "/v1/snapshots/" + server.newSnapshot(volume).getString("snapshotId");
    }

    private Probe.Reply ifMatch(String path, String etag, String body) {
        return api.ifMatch("PATCH", path, etag, body);
    }

    private static JsonObject tag(String key, String value) {
        return new JsonObject().put("tags", new JsonObject().put(key, value));
    }
}
