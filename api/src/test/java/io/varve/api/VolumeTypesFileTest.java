package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.api.control.ControlSettings;
import io.varve.api.rest.Probe;
import io.varve.engine.QosLimits;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Volume types that an operator defines, and what is said of a file that is not right. */
class VolumeTypesFileTest {
    private static final String FILE = """
            {"volumeTypes":[
              {"volumeType":"fast","sizeGiB":{"minimum":2,"maximum":100},
               "iops":{"minimum":100,"maximum":50000,"default":1000,"perGiB":500},
               "throughputMiBps":{"minimum":10,"maximum":2000,"default":"unlimited"}},
              {"volumeType":"asked","sizeGiB":{"minimum":1,"maximum":10},
               "iops":{"minimum":1,"maximum":10},
               "throughputMiBps":{"minimum":1,"maximum":10,"default":5},
               "ioUnitKiB":0}]}""";

    @TempDir
    private Path directory;

    @Test
    void volumesGetWhatTheFileSays() throws IOException {
        ControlSettings settings = new ControlSettings(VolumeTypesFile.read(file(FILE)), 0, QosLimits.UNLIMITED);
        try (RunningServer server = RunningServer.on(directory, settings)) {
            Probe api = server.api();
            assertThat(api.get("/v1/volume-types")
                            .body()
                            .getJsonArray("volumeTypes")
                            .encode())
                    .contains("{\"volumeType\":\"fast\",\"sizeGiB\":{\"minimum\":2,\"maximum\":100},"
                            + "\"iops\":{\"minimum\":100,\"maximum\":50000,\"default\":1000,\"perGiB\":500},"
                            + "\"throughputMiBps\":{\"minimum\":10,\"maximum\":2000,\"default\":\"unlimited\"}}");

            JsonObject made = api.post("/v1/volumes", "{\"sizeGiB\":10,\"volumeType\":\"fast\"}")
                    .body();
            assertThat(made.getInteger("iops")).isEqualTo(1000);
            assertThat(made.containsKey("throughputMiBps")).isFalse();
            String path = "/v1/volumes/" + made.getString("volumeId");
            JsonObject limited =
                    api.patch(path, new JsonObject().put("throughputMiBps", 20)).body();
            assertThat(limited.getInteger("throughputMiBps")).isEqualTo(20);
            JsonObject unlimited = api.patch(path, new JsonObject().put("throughputMiBps", "unlimited"))
                    .body();
            assertThat(unlimited.containsKey("throughputMiBps")).isFalse();
            Probe.Reply refused = api.patch(path, new JsonObject().put("iops", "unlimited"));
            assertThat(refused.code()).isEqualTo("InvalidParameterValue");
            assertThat(refused.detail()).contains("iops unlimited").contains("from 100 to 50000");
            assertThat(api.post("/v1/volumes", "{\"sizeGiB\":1,\"volumeType\":\"asked\"}")
                            .code())
                    .isEqualTo("MissingParameter");
        }
    }

    @Test
    void aVolumeWhoseTypeIsNoLongerDefinedKeepsItsFiguresAndIsGivenAnotherType() throws IOException {
        String path;
        ControlSettings settings = new ControlSettings(VolumeTypesFile.read(file(FILE)), 0, QosLimits.UNLIMITED);
        try (RunningServer server = RunningServer.on(directory, settings)) {
            path = "/v1/volumes/"
                    + server.api()
                            .post("/v1/volumes", "{\"sizeGiB\":10,\"volumeType\":\"fast\",\"iops\":2000}")
                            .body()
                            .getString("volumeId");
        }
        try (RunningServer server = RunningServer.on(directory)) {
            JsonObject renamed = server.api()
                    .patch(path, new JsonObject().put("name", "old"))
                    .body();
            assertThat(renamed.getString("volumeType")).isEqualTo("fast");
            assertThat(renamed.getInteger("iops")).isEqualTo(2000);
            assertThat(server.api()
                            .patch(path, new JsonObject().put("iops", 3000))
                            .code())
                    .isEqualTo("UnknownVolumeType");
            assertThat(server.api()
                            .patch(path, new JsonObject().put("volumeType", "gp3"))
                            .body()
                            .getInteger("iops"))
                    .isEqualTo(3000);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {                                                     | not a JSON object
            {"types":[]}                                          | volumeTypes
            {"volumeTypes":[{"volumeType":"gp3","sizeGiB":S,"iops":F,"throughputMiBps":F}]} | two volume types gp3
            {"volumeTypes":[{"volumeType":"Fast!","sizeGiB":S,"iops":F,"throughputMiBps":F}]} | volumeType "Fast!"
            {"volumeTypes":[{"volumeType":"fast","sizeGiB":S,"iops":F}]} | throughputMiBps
            {"volumeTypes":[{"volumeType":"fast","sizeGiB":S,"iops":F,"throughputMiBps":F,"burst":1}]} | burst
            {"volumeTypes":[{"volumeType":"fast","sizeGiB":{"minimum":9,"maximum":3},"iops":F,"throughputMiBps":F}]} | fast has a range from 9 to 3
            {"volumeTypes":[{"volumeType":"fast","sizeGiB":S,"iops":{"minimum":1,"maximum":5,"default":6},"throughputMiBps":F}]} | the default 6
            {"volumeTypes":[{"volumeType":"fast","sizeGiB":S,"iops":{"minimum":1,"maximum":5,"default":"none"},"throughputMiBps":F}]} | "none"
            {"volumeTypes":[{"volumeType":"fast","sizeGiB":S,"iops":F,"throughputMiBps":F,"ioUnitKiB":2048}]} | 2048
            """)
    void aFileThatIsNotRightIsRefusedAndSaysWhere(String text, String named) throws IOException {
        String whole = text.replace("S", "{\"minimum\":1,\"maximum\":9}")
                .replace("F,", "{\"minimum\":1,\"maximum\":9},")
                .replace("F}", "{\"minimum\":1,\"maximum\":9}}");
        Path file = file(whole);
        assertThatThrownBy(() -> VolumeTypesFile.read(file))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("--volume-types " + file)
                .hasMessageContaining(named);
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> VolumeTypesFile.read(directory.resolve("none.json")))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("none.json cannot be read");
    }

    private Path file(String text) throws IOException {
        return Files.writeString(directory.resolve("types.json"), text);
    }
}
