package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.nbd.TlsSettings;
import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.services.ec2.Ec2Client;

/**
 * Every way to change something leaves a line in the audit log that says who, over https too, even if it is refused.
 */
@RequiresTools("openssl")
class AuditCoverageTest {
    /** EC2's words for looking. */
    private static final String LOOKS = "(Describe|Get|List|Search).*";

    @TempDir
    private static Path directory;

    private static RunningServer server;
    private static HttpClient http;
    private static JsonObject token;
    private static JsonObject key;

    @BeforeAll
    static void start() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        server = RunningServer.withTls(
                directory,
                new TlsSettings(
                        authority.serverCertificate(), authority.serverKey(), Optional.empty(), Optional.empty()));
        http = TlsClient.trusting(authority.authority()).http();
        token = new JsonObject(send(json("POST", "/v1/tokens", "", "{\"role\":\"administer\"}"))
                .body());
        key = new JsonObject(
                send(json("POST", "/v1/access-keys", token.getString("token"), "{\"role\":\"administer\"}"))
                        .body());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void everyChangeOfTheNativeApi() throws IOException {
        JsonObject contract =
                new JsonObject(send(json("GET", "/openapi.json", "", "")).body());
        List<String> seen = new ArrayList<>();
        for (String path : contract.getJsonObject("paths").fieldNames()) {
            JsonObject operations = contract.getJsonObject("paths").getJsonObject(path);
            for (String method : operations.fieldNames()) {
                if (!List.of("post", "put", "patch", "delete").contains(method)) {
                    continue;
                }
                String operation = operations.getJsonObject(method).getString("operationId");
                if (operation.equals("sendImportData")) {
                    continue; // the bytes of an import: its beginning and its end are noted
                }
                String concrete = path.replaceAll("\\{\\w+}", "nothing");
                HttpResponse<String> answer =
                        send(json(method.toUpperCase(Locale.ROOT), concrete, token.getString("token"), "{}"));
                assertThat(lastLine())
                        .isEqualTo(
                                "%s rest %s %d".formatted(token.getString("tokenId"), operation, answer.statusCode()));
                seen.add(operation);
            }
        }
        assertThat(seen)
                .contains("createVolume", "deleteSnapshot", "createToken")
                .hasSizeGreaterThan(30);
    }

    /**
     * All actions that EC2 has, as its own client knows them, but for those that look: what of them is here has to be
     * noted.
     */
    @Test
    @Tag("slow")
    void everyChangeOfEc2() throws IOException {
        List<String> seen = new ArrayList<>();
        for (String action : changesOfEc2()) {
            HttpResponse<String> answer = signed("ec2", "POST", "/", "Action=" + action + "&Version=2016-11-15");
            if (!answer.body().contains("<Code>InvalidAction</Code>")) {
                assertThat(lastLine())
                        .isEqualTo("%s ec2 %s %d".formatted(key.getString("accessKeyId"), action, answer.statusCode()));
                seen.add(action);
            }
        }
        assertThat(seen).contains("CreateVolume", "DeleteSnapshot", "CreateTags", "AttachVolume");
    }

    @Test
    void everyChangeOfTheDirectApis() throws IOException {
        HttpResponse<String> started = signed("ebs", "POST", "/snapshots", "{\"VolumeSize\":1}");
        assertThat(lastLine()).isEqualTo("%s ebs StartSnapshot 201".formatted(key.getString("accessKeyId")));
        String snapshot = new JsonObject(started.body()).getString("SnapshotId");
        assertThat(lines().get(lines().size() - 1)).contains("\"resources\":[\"" + snapshot + "\"]");
        signed("ebs", "POST", "/snapshots/completion/" + snapshot, "");
        assertThat(lastLine()).startsWith(key.getString("accessKeyId") + " ebs CompleteSnapshot ");
    }

    private static Set<String> changesOfEc2() {
        Set<String> names = new TreeSet<>();
        Arrays.stream(Ec2Client.class.getMethods())
                .filter(method -> method.getParameterCount() == 1)
                .map(method -> method.getParameterTypes()[0].getSimpleName())
                .filter(type -> type.endsWith("Request") && !type.matches(LOOKS))
                .forEach(type -> names.add(type.substring(0, type.length() - "Request".length())));
        assertThat(names).hasSizeGreaterThan(300);
        return names;
    }

    private static List<String> lines() throws IOException {
        return Files.readAllLines(directory.resolve("data/audit.log"));
    }

    private static String lastLine() throws IOException {
        List<String> lines = lines();
        JsonObject line = new JsonObject(lines.get(lines.size() - 1));
        return "%s %s %s %d"
                .formatted(
                        line.getString("who"),
                        line.getString("api"),
                        line.getString("operation"),
                        line.getInteger("status"));
    }

    private static HttpRequest json(String method, String path, String bearer, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(server.daemon().apiUri() + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("Content-Type", "application/json");
        return (bearer.isEmpty() ? request : request.header("Authorization", "Bearer " + bearer)).build();
    }

    /** Signed by the AWS SDK. */
    private static HttpResponse<String> signed(String service, String method, String path, String body) {
        URI uri = URI.create(server.daemon().apiUri() + path);
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        SdkHttpRequest unsigned = SdkHttpRequest.builder()
                .uri(uri)
                .method(SdkHttpMethod.valueOf(method))
                .putHeader("Content-Type", "application/x-www-form-urlencoded")
                .putHeader("x-amz-ChangedBlocksCount", "0")
                .build();
        SdkHttpRequest request = AwsV4HttpSigner.create()
                .sign(signing -> signing.identity(AwsBasicCredentials.create(
                                key.getString("accessKeyId"), key.getString("secretAccessKey")))
                        .request(unsigned)
                        .payload(() -> new ByteArrayInputStream(bytes))
                        .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, service)
                        .putProperty(AwsV4HttpSigner.REGION_NAME, "varve-1"))
                .request();
        HttpRequest.Builder builder =
                HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.ofByteArray(bytes));
        request.forEachHeader((name, values) -> {
            if (!name.equalsIgnoreCase("Host")) {
                values.forEach(value -> builder.header(name, value));
            }
        });
        return send(builder.build());
    }

    private static HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
