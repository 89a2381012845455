package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.rest.Probe;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens, access keys and roles over REST, and what the audit log says of it. */
class AccessRestTest {
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
    void aServerWithoutCredentialsSaysThatItIsOpen() {
        assertThat(server.daemon().openDoors().orElseThrow())
                .contains("requests need no token")
                .contains("any signed AWS request is taken");
        newKey("read");
        assertThat(server.daemon().openDoors().orElseThrow()).doesNotContain("AWS");
        newToken("administer");
        assertThat(server.daemon().openDoors()).isEmpty();
    }

    @Test
    void theFirstTokenShutsTheDoorAndTheLastOneOpensIt() {
        JsonObject token = newToken("administer");
        Probe.Reply refused = api.get("/v1/volumes");
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.code()).isEqualTo("AuthFailure");
        assertThat(refused.response().headers().firstValue("WWW-Authenticate")).isPresent();
        assertThat(as(token, "GET", "/v1/volumes").statusCode()).isEqualTo(200);
        assertThat(api.get("/healthz").status()).isEqualTo(200);
        assertThat(api.get("/openapi.json").status()).isEqualTo(200);
        assertThat(as(token, "DELETE", "/v1/tokens/" + token.getString("tokenId"))
                        .statusCode())
                .isEqualTo(204);
        assertThat(api.get("/v1/volumes").status()).isEqualTo(200);
    }

    @Test
    void rolesIncludeOneAnother() {
        JsonObject administrator = newToken("administer");
        JsonObject operator = newToken("operate", administrator);
        JsonObject reader = newToken("read", administrator);
        assertThat(as(reader, "GET", "/v1/volumes").statusCode()).isEqualTo(200);
        assertThat(as(reader, "GET", "/metrics").statusCode()).isEqualTo(200);
        HttpResponse<String> refused = as(reader, "POST", "/v1/volumes");
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.body())
                .contains("UnauthorizedOperation")
                .contains("createVolume needs the role operate; " + reader.getString("tokenId") + " has read");
        assertThat(as(operator, "POST", "/v1/volumes").statusCode()).isEqualTo(201);
        for (String path : List.of("/v1/tokens", "/v1/access-keys")) {
            assertThat(as(reader, "GET", path).statusCode()).isEqualTo(403);
            assertThat(as(operator, "GET", path).statusCode()).isEqualTo(403);
            assertThat(as(administrator, "GET", path).statusCode()).isEqualTo(200);
        }
        assertThat(as(operator, "DELETE", "/v1/retention-rules/rule-00000000000000000")
                        .statusCode())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Bearer", "Bearer ", "Bearer varve_wrong", "Basic dTpw", "varve_wrong"})
    void whatIsNoTokenIsRefused(String authorization) {
        newToken("administer");
        HttpResponse<String> answer = exchange("GET", "/v1/volumes", authorization);
        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(answer.body()).doesNotContain("varve_wrong");
    }

    @Test
    void nobodyCanShutHimselfOut() {
        assertThat(api.post("/v1/tokens", new JsonObject().put("role", "read")).code())
                .isEqualTo("InvalidParameterCombination");
        JsonObject administrator = newToken("administer");
        newToken("read", administrator);
        HttpResponse<String> refused = as(administrator, "DELETE", "/v1/tokens/" + administrator.getString("tokenId"));
        assertThat(refused.statusCode()).isEqualTo(409);
        assertThat(refused.body())
                .contains("OperationNotPermitted")
                .contains("the last token with the role administer");
    }

    @Test
    void credentialsLastOverARestartAndTheirSecretsAreNotThereToRead() throws IOException {
        JsonObject key = newKey("operate");
        JsonObject token = newToken("administer");
        server.close();
        server = RunningServer.on(directory);
        api = server.api();
        assertThat(api.get("/v1/volumes").status()).isEqualTo(401);
        HttpResponse<String> keys = as(token, "GET", "/v1/access-keys");
        assertThat(keys.body()).contains(key.getString("accessKeyId")).doesNotContain("secret");
        assertThat(as(token, "GET", "/v1/tokens").body())
                .contains(token.getString("tokenId"))
                .doesNotContain("varve_");
        Path data = directory.resolve("data");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(data.resolve("access.key"))))
                .isEqualTo("rw-------");
        try (var files = Files.list(data)) {
            List<Path> texts = files.filter(
                            file -> file.getFileName().toString().matches("control.*|access.*|audit.*"))
                    .toList();
            assertThat(texts).hasSizeGreaterThanOrEqualTo(3);
            for (Path file : texts) {
                String bytes = Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
                assertThat(bytes.contains(key.getString("secretAccessKey"))).isFalse();
                assertThat(bytes.contains(token.getString("token"))).isFalse();
            }
        }
    }

    @Test
    void aKeyWhoseSealIsLostShutsTheDoorAndLetsNobodyIn() throws IOException {
        newKey("operate");
        server.close();
        Files.delete(directory.resolve("data/access.key"));
        server = RunningServer.on(directory);
        assertThat(server.daemon().openDoors().orElseThrow()).doesNotContain("AWS");
    }

    @Test
    void aRequestOfAnAwsClientIsNotTakenByTheNativeApi() {
        newToken("administer");
        assertThat(exchange("GET", "/v1/volumes", "AWS4-HMAC-SHA256 Credential=a")
                        .statusCode())
                .isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{}", "{\"role\":\"root\"}", "{\"role\":null}", "{\"role\":\"read\",\"more\":1}", "[]", "x"})
    void aCredentialThatMakesNoSenseIsRefused(String body) {
        assertThat(api.post("/v1/access-keys", body).status()).isEqualTo(400);
        assertThat(api.post("/v1/tokens", body).status()).isEqualTo(400);
    }

    @Test
    void whatIsNotThereCannotBeRemoved() {
        JsonObject key = newKey("read");
        assertThat(api.delete("/v1/access-keys/AKVANOTHING").code()).isEqualTo("InvalidResource.NotFound");
        assertThat(api.delete("/v1/tokens/" + key.getString("accessKeyId")).code())
                .isEqualTo("InvalidResource.NotFound");
    }

    @Test
    void everyChangeIsInTheAuditLog() throws IOException {
        JsonObject volume = server.newVolume(1);
        String id = volume.getString("volumeId");
        JsonObject token = newToken("administer");
        assertThat(as(token, "DELETE", "/v1/volumes/" + id).statusCode()).isEqualTo(204);
        assertThat(as(token, "DELETE", "/v1/volumes/" + id).statusCode()).isEqualTo(404);
        assertThat(as(token, "GET", "/v1/volumes").statusCode()).isEqualTo(200);
        List<String> lines = Files.readAllLines(directory.resolve("data/audit.log")).stream()
                .map(JsonObject::new)
                .map(line -> "%s %s %s %s"
                        .formatted(
                                line.getString("who"),
                                line.getString("operation"),
                                line.getJsonArray("resources").getList(),
                                line.getInteger("status")))
                .toList();
        String tokenId = token.getString("tokenId");
        assertThat(lines)
                .containsExactly(
                        "open createVolume [" + id + "] 201",
                        "open createToken [" + tokenId + "] 201",
                        tokenId + " deleteVolume [" + id + "] 204",
                        tokenId + " deleteVolume [" + id + "] 404");
    }

    private JsonObject newKey(String role) {
        return api.post("/v1/access-keys", new JsonObject().put("role", role)).body();
    }

    private JsonObject newToken(String role) {
        return api.post("/v1/tokens", new JsonObject().put("role", role)).body();
    }

    private JsonObject newToken(String role, JsonObject administrator) {
        Probe.Reply made = api.send(api.json("/v1/tokens")
                .header("Authorization", "Bearer " + administrator.getString("token"))
                .POST(HttpRequest.BodyPublishers.ofString(
                        new JsonObject().put("role", role).encode())));
        assertThat(made.status()).isEqualTo(201);
        return made.body();
    }

    private HttpResponse<String> as(JsonObject token, String method, String path) {
        return exchange(method, path, "Bearer " + token.getString("token"));
    }

    private HttpResponse<String> exchange(String method, String path, String authorization) {
        String body = method.equals("POST") ? "{\"sizeGiB\":1}" : "";
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(api.uri() + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("Content-Type", "application/json")
                .header("Authorization", authorization);
        try {
            return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
