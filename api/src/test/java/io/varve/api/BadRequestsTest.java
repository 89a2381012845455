package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whatever is wrong with a request is answered with a problem that names the field and the value. */
class BadRequestsTest {
    private static final String NOBODY = "00000000000000000";

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

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"sizeGiB":0}                          | InvalidParameterValue | sizeGiB 0
                    {"sizeGiB":-5}                         | InvalidParameterValue | sizeGiB -5
                    {"sizeGiB":65537}                      | InvalidParameterValue | sizeGiB 65537
                    {"sizeGiB":99999999999999999999}       | InvalidParameterValue | sizeGiB 99999999999999999999
                    {"sizeGiB":1.5}                        | InvalidParameterValue | sizeGiB 1.5
                    {"sizeGiB":"ten"}                      | InvalidParameterValue | sizeGiB "ten"
                    {"sizeGiB":null}                       | InvalidParameterValue | sizeGiB null
                    {}                                     | MissingParameter      | sizeGiB, snapshotId
                    {"sizeGiB":1,"size":7}                 | UnknownParameter      | size
                    {"sizeGiB":1,"volumeType":"gp9"}       | UnknownVolumeType     | volumeType gp9
                    {"sizeGiB":1,"multiAttachEnabled":true} | InvalidParameterCombination | multiAttachEnabled is not supported for local volumes
                    {"sizeGiB":1,"multiAttachEnabled":"yes"} | InvalidParameterValue | multiAttachEnabled
                    {"sizeGiB":1,"encrypted":true}         | UnsupportedOperation  | encrypted true is refused: encryption is not offered yet
                    {"sizeGiB":1,"iops":0}                 | InvalidParameterValue | iops 0
                    {"sizeGiB":1,"throughputMiBps":-1}     | InvalidParameterValue | throughputMiBps -1
                    {"sizeGiB":1,"compression":"zip"}      | InvalidParameterValue | compression
                    {"sizeGiB":1,"name":""}                | InvalidParameterValue | name ""
                    {"sizeGiB":1,"name":"a\\nb"}           | InvalidParameterValue | name "a\\nb"
                    {"sizeGiB":1,"tags":{"a":1}}           | InvalidParameterValue | tags/a 1
                    {"sizeGiB":1,"tags":{"aws:x":"1"}}     | InvalidParameterValue | tags
                    {"sizeGiB":1,"tags":{"AWS:x":"1"}}     | InvalidParameterValue | tags
                    {"sizeGiB":1,"tags":["a"]}             | InvalidParameterValue | tags ["a"]
                    {"sizeGiB":1,"snapshotId":"snap-1"}    | InvalidSnapshotID.Malformed | snapshotId "snap-1"
                    {"sizeGiB":1,"snapshotId":"vol-00000000000000000"} | InvalidSnapshotID.Malformed | snapshotId "vol-0
                    {"sizeGiB":1,"clientToken":"a b"}      | InvalidParameterValue | clientToken "a b"
                    {"sizeGiB":1                           | ValidationError       | not a JSON object
                    [1]                                    | ValidationError       | not a JSON object
                    7                                      | ValidationError       | not a JSON object
                    {"sizeGiB":1} x                        | ValidationError       | not a JSON object
                    """)
    void aVolumeThatMakesNoSenseIsNotCreated(String body, String code, String named) {
        Probe.Reply reply = api.post("/v1/volumes", body);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.code()).isEqualTo(code);
        assertThat(reply.detail()).contains(named);
    }

    @Test
    void anEmptyBodyIsNoJson() {
        assertThat(api.post("/v1/volumes", "").code()).isEqualTo("ValidationError");
    }

    @Test
    void longNamesAndManyTagsAreRefused() {
        JsonObject tags = new JsonObject();
        for (int i = 0; i <= 50; i++) {
            tags.put("k" + i, "v");
        }
        JsonObject wanted = new JsonObject().put("sizeGiB", 1);
        assertThat(api.post("/v1/volumes", wanted.copy().put("tags", tags)).code())
                .isEqualTo("TagLimitExceeded");
        assertThat(api.post("/v1/volumes", wanted.copy().put("name", "n".repeat(256)))
                        .code())
                .isEqualTo("InvalidParameterValue");
        assertThat(api.post("/v1/volumes", wanted.copy().put("name", "n".repeat(255)))
                        .status())
                .isEqualTo(201);
        assertThat(api.post("/v1/volumes", wanted.copy().put("tags", new JsonObject().put("k".repeat(129), "v")))
                        .code())
                .isEqualTo("InvalidParameterValue");
        assertThat(api.post("/v1/volumes", wanted.copy().put("clientToken", "t".repeat(65)))
                        .code())
                .isEqualTo("InvalidParameterValue");
    }

    @Test
    void aVolumeDoesNotShrink() {
        String path = "/v1/volumes/" + server.newVolume(4).getString("volumeId");
        Probe.Reply reply = api.patch(path, new JsonObject().put("sizeGiB", 3));
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.detail()).contains("sizeGiB 3").contains("4 GiB");
        assertThat(api.patch(path, new JsonObject()).code()).isEqualTo("MissingParameter");
    }

    @Test
    void aVolumeIsNotSmallerThanItsSnapshot() {
        String volume = server.newVolume(4).getString("volumeId");
        String snapshot = server.newSnapshot(volume).getString("snapshotId");
        JsonObject wanted = new JsonObject().put("snapshotId", snapshot).put("sizeGiB", 3);
        Probe.Reply reply = api.post("/v1/volumes", wanted);
        assertThat(reply.code()).isEqualTo("InvalidParameterValue");
        assertThat(reply.detail()).contains("sizeGiB 3").contains("4 GiB");
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/volumes/vol-" + NOBODY + ", 404, InvalidVolume.NotFound",
        "/v1/volumes/vol-1, 400, InvalidVolumeID.Malformed",
        "/v1/volumes/snap-" + NOBODY + ", 400, InvalidVolumeID.Malformed",
        "/v1/volumes/VOL-" + NOBODY + ", 400, InvalidVolumeID.Malformed",
        "/v1/snapshots/snap-" + NOBODY + ", 404, InvalidSnapshot.NotFound",
        "/v1/snapshots/vol-" + NOBODY + ", 400, InvalidSnapshotID.Malformed",
        "/v1/nothing, 404, InvalidAction",
        "/, 404, InvalidAction",
        "/v1/volumes?maxResults=0, 400, InvalidParameterValue",
        "/v1/volumes?maxResults=many, 400, InvalidParameterValue",
        "/v1/volumes?nextToken=vol-1, 400, InvalidNextToken",
        "/v1/volumes?nextToken=MSAx, 400, InvalidNextToken",
        "/v1/volumes?nextToken=%2A, 400, InvalidNextToken",
        "/v1/volumes?maxResults=1&maxResults=2, 400, InvalidParameterValue",
        "/v1/volumes?filter=status, 400, InvalidParameterValue",
        "/v1/volumes?filter=colour=red, 400, InvalidParameterValue",
        "/v1/volumes?sort=up, 400, UnknownParameter"
    })
    void whatIsNotThereIsNotFound(String path, int status, String code) {
        Probe.Reply reply = api.get(path);
        assertThat(reply.status()).isEqualTo(status);
        assertThat(reply.code()).isEqualTo(code);
    }

    @Test
    void aSnapshotNeedsAVolume() {
        assertThat(api.post("/v1/snapshots", new JsonObject()).code()).isEqualTo("MissingParameter");
        assertThat(api.post("/v1/snapshots", new JsonObject().put("volumeId", "vol-" + NOBODY))
                        .code())
                .isEqualTo("InvalidVolume.NotFound");
        assertThat(api.post("/v1/snapshots", new JsonObject().put("volumeId", "snap-" + NOBODY))
                        .code())
                .isEqualTo("InvalidVolumeID.Malformed");
    }

    @Test
    void aMethodThatIsNotAllowedNamesThoseThatAre() {
        Probe.Reply reply = api.send(api.json("/v1/volumes").PUT(HttpRequest.BodyPublishers.ofString("{}")));
        assertThat(reply.status()).isEqualTo(405);
        assertThat(reply.response().headers().firstValue("Allow")).contains("GET, POST");
        assertThat(api.delete("/metrics").status()).isEqualTo(405);
    }

    @ParameterizedTest
    @CsvSource({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"})
    void changesComeAsJsonOnly(String type) {
        Probe.Reply reply = api.send(api.request("/v1/volumes")
                .header("Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofString("{\"sizeGiB\":1}")));
        assertThat(reply.status()).isEqualTo(415);
        assertThat(reply.detail()).contains(type);
    }

    @Test
    void aBodyWithoutATypeIsRefused() {
        Probe.Reply reply =
                api.send(api.request("/v1/volumes").POST(HttpRequest.BodyPublishers.ofString("{\"sizeGiB\":1}")));
        assertThat(reply.status()).isEqualTo(415);
    }

    @Test
    void aBodyThatIsTooLargeIsRefused() {
        Probe.Reply reply = api.post("/v1/volumes", new JsonObject().put("name", "n".repeat(300_000)));
        assertThat(reply.status()).isEqualTo(413);
        assertThat(reply.code()).isEqualTo("RequestTooLarge");
    }
}
