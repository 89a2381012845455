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

/** Volume types over REST: what one gets, what is refused, and how a volume changes its type. */
class VolumeTypesRestTest {
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

    @ParameterizedTest(name = "{0} is {1} IOPS, {2} MiB/s")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"sizeGiB":10,"volumeType":"gp3"}                                             | 3000 | 125
                    {"sizeGiB":10,"volumeType":"gp3","iops":5000,"throughputMiBps":1000}          | 5000 | 1000
                    {"sizeGiB":200,"volumeType":"gp2"}                                            | 600  | 250
                    {"sizeGiB":10,"volumeType":"io1","iops":500}                                  | 500  | 125
                    {"sizeGiB":10,"volumeType":"io2","iops":1000}                                 | 1000 | 256
                    {"sizeGiB":1,"volumeType":"standard"}                                         | 100  | 90
                    """)
    void aVolumeTellsWhatItsTypeGives(String request, int iops, int throughput) {
        JsonObject volume = api.post("/v1/volumes", request).body();
        assertThat(volume.getInteger("iops")).isEqualTo(iops);
        assertThat(volume.getInteger("throughputMiBps")).isEqualTo(throughput);
        assertThat(api.get("/v1/volumes/" + volume.getString("volumeId")).body().getInteger("iops"))
                .isEqualTo(iops);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {"sizeGiB":1,"volumeType":"io1","iops":100}              | InvalidParameterValue       | sizeGiB 1
                    {"sizeGiB":10,"volumeType":"io1"}                        | MissingParameter            | iops
                    {"sizeGiB":10,"volumeType":"io1","iops":501}             | InvalidParameterValue       | iops 501
                    {"sizeGiB":10,"volumeType":"gp2","iops":100}             | InvalidParameterCombination | iops
                    {"sizeGiB":10,"volumeType":"io2","iops":100,"throughputMiBps":9} | InvalidParameterCombination | throughput
                    {"sizeGiB":10,"volumeType":"gp3","throughputMiBps":751}  | InvalidParameterValue       | throughputMiBps 751
                    {"sizeGiB":124,"volumeType":"st1"}                       | InvalidParameterValue       | sizeGiB 124
                    """)
    void whatATypeDoesNotOfferIsRefused(String request, String code, String named) {
        Probe.Reply reply = api.post("/v1/volumes", request);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.code()).isEqualTo(code);
        assertThat(reply.detail()).contains(named);
    }

    @Test
    void sizeTypeIopsAndThroughputAreChangedInOneCall() {
        String path = create("{\"sizeGiB\":10,\"volumeType\":\"gp2\"}");
        JsonObject changed = api.patch(
                        path,
                        new JsonObject()
                                .put("sizeGiB", 20)
                                .put("volumeType", "gp3")
                                .put("iops", 10_000)
                                .put("throughputMiBps", 500))
                .body();
        assertThat(changed.getInteger("sizeGiB")).isEqualTo(20);
        assertThat(changed.getString("volumeType")).isEqualTo("gp3");
        assertThat(changed.getInteger("iops")).isEqualTo(10_000);
        assertThat(changed.getInteger("throughputMiBps")).isEqualTo(500);

        JsonObject renamed =
                api.patch(path, new JsonObject().put("name", "typed")).body();
        assertThat(renamed.getInteger("iops")).isEqualTo(10_000);
        JsonObject local =
                api.patch(path, new JsonObject().put("volumeType", "local")).body();
        assertThat(local.containsKey("iops")).isFalse();
        JsonObject io2 =
                api.patch(path, new JsonObject().put("volumeType", "io2")).body();
        assertThat(io2.getInteger("iops")).isEqualTo(3000);
    }

    @Test
    void modificationsAreListedWithFiltersAndPageByPage() {
        String path = create("{\"sizeGiB\":10,\"volumeType\":\"gp3\"}");
        String id = path.substring("/v1/volumes/".length());
        for (int size = 11; size <= 14; size++) {
            api.patch(path, new JsonObject().put("sizeGiB", size));
        }
        JsonArray own = api.get(path + "/modifications").body().getJsonArray("modifications");
        assertThat(own).hasSize(4);
        JsonObject first = own.getJsonObject(0);
        assertThat(first.getString("volumeId")).isEqualTo(id);
        assertThat(first.getString("state")).isEqualTo("completed");
        assertThat(first.getJsonObject("original").encode())
                .isEqualTo("{\"sizeGiB\":10,\"volumeType\":\"gp3\",\"iops\":3000,\"throughputMiBps\":125}");
        assertThat(first.getJsonObject("target").getInteger("sizeGiB")).isEqualTo(11);
        String list = "/v1/volume-modifications?filter=volume-id=" + id + "&filter=target-size=1?&maxResults=3";
        JsonObject page = api.get(list).body();
        assertThat(page.getJsonArray("modifications")).hasSize(3);
        JsonObject rest =
                api.get(list + "&nextToken=" + page.getString("nextToken")).body();
        assertThat(rest.getJsonArray("modifications").getJsonObject(0)).isEqualTo(own.getJsonObject(3));
        assertThat(rest.containsKey("nextToken")).isFalse();
        Probe.Reply fifth = api.patch(path, new JsonObject().put("sizeGiB", 15));
        assertThat(fifth.status()).isEqualTo(400);
        assertThat(fifth.code()).isEqualTo("VolumeModificationRateExceeded");
        assertThat(fifth.detail()).contains("4 are allowed");
    }

    @Test
    void aGp2ThatGrowsGetsFaster() {
        String path = create("{\"sizeGiB\":40,\"volumeType\":\"gp2\"}");
        assertThat(api.patch(path, new JsonObject().put("sizeGiB", 100)).body().getInteger("iops"))
                .isEqualTo(300);
    }

    @Test
    void ofAChangeThatIsRefusedNothingHappens() {
        String path = create("{\"sizeGiB\":10,\"volumeType\":\"gp3\"}");
        JsonObject before = api.get(path).body();
        Probe.Reply tooFast =
                api.patch(path, new JsonObject().put("sizeGiB", 20).put("iops", 10_001));
        assertThat(tooFast.code()).isEqualTo("InvalidParameterValue");
        Probe.Reply tooLarge =
                api.patch(path, new JsonObject().put("volumeType", "gp2").put("sizeGiB", 16_385));
        assertThat(tooLarge.code()).isEqualTo("VolumeModificationSizeLimitExceeded");
        Probe.Reply unknown = api.patch(path, new JsonObject().put("volumeType", "gp9"));
        assertThat(unknown.code()).isEqualTo("UnknownVolumeType");
        assertThat(api.get(path).body()).isEqualTo(before);
    }

    @Test
    void theTypesAreListedWithWhatTheyOffer() {
        JsonArray types = api.get("/v1/volume-types").body().getJsonArray("volumeTypes");
        assertThat(types.stream().map(type -> ((JsonObject) type).getString("volumeType")))
                .containsExactly("local", "gp2", "gp3", "io1", "io2", "st1", "sc1", "standard");
        assertThat(types.getJsonObject(2).encode())
                .isEqualTo("{\"volumeType\":\"gp3\",\"sizeGiB\":{\"minimum\":1,\"maximum\":65536},"
                        + "\"iops\":{\"minimum\":3000,\"maximum\":80000,\"default\":3000,\"perGiB\":500},"
                        + "\"throughputMiBps\":{\"minimum\":125,\"maximum\":2000,\"default\":125},"
                        + "\"iopsPerMiBps\":4}");
    }

    @Test
    void theBurstBalanceIsAMetric() {
        String id = create("{\"sizeGiB\":10,\"volumeType\":\"gp2\"}").substring("/v1/volumes/".length());
        assertThat(api.get("/metrics").response().body())
                .contains("varve_volume_burst_balance_percent{volume=\"" + id + "\"} 100.0")
                .contains("varve_volume_throttled_seconds_total{volume=\"" + id + "\"} 0.0")
                .contains("varve_volume_io_units_total{volume=\"" + id + "\"} 0");
    }

    private static String create(String request) {
        return "/v1/volumes/" + api.post("/v1/volumes", request).body().getString("volumeId");
    }
}
