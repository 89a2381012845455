package io.varve.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the EBS direct APIs refuse, in their wire form, and that nothing is changed by it. */
class EbsRefusalsTest {
    private static final int BLOCK = 512 << 10;
    private static final byte[] DATA = noise();
    private static final String DIGEST = base64(sha256(DATA));

    @TempDir
    private static Path directory;

    private static RunningServer server;
    private static String completed;
    private static String other;
    private static String pending;
    private static String token;
    private static String otherToken;

    @BeforeAll
    static void start() {
        server = RunningServer.on(directory);
        completed = uploaded();
        other = uploaded();
        pending = begin();
        put(pending, 1, DATA, headers());
        token = token(completed);
        otherToken = token(other);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"VolumeSize":0}                                                        | INVALID_VOLUME_SIZE
            {"VolumeSize":65537}                                                    | INVALID_VOLUME_SIZE
            {"VolumeSize":-1}                                                       | INVALID_VOLUME_SIZE
            {"VolumeSize":1.5}                                                      | INVALID_VOLUME_SIZE
            {"VolumeSize":"1"}                                                      | INVALID_VOLUME_SIZE
            {"VolumeSize":99999999999999999999}                                     | INVALID_VOLUME_SIZE
            {}                                                                      | INVALID_VOLUME_SIZE
            {"VolumeSize":null}                                                     | INVALID_VOLUME_SIZE
            {"VolumeSize":1,"Timeout":9}                                            | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"Timeout":4321}                                         | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"ParentSnapshotId":"vol-1"}                             | INVALID_SNAPSHOT_ID
            {"VolumeSize":1,"ParentSnapshotId":7}                                   | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"Encrypted":true}                                       | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"Encrypted":"no"}                                       | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"KmsKeyArn":"arn:aws:kms:::key/1"}                      | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"ParentSnapshotId":"COMPLETED","Encrypted":false}       | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"ParentSnapshotId":"PENDING"}                           | INVALID_SNAPSHOT_ID
            {"VolumeSize":1,"ClientToken":"a b"}                                    | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"ClientToken":""}                                       | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"Description":7}                                        | INVALID_PARAMETER_VALUE
            {"VolumeSize":1,"Tags":{}}                                              | INVALID_TAG
            {"VolumeSize":1,"Tags":[7]}                                             | INVALID_TAG
            {"VolumeSize":1,"Tags":[{"Key":""}]}                                    | INVALID_TAG
            {"VolumeSize":1,"Tags":[{"Key":"aws:x"}]}                               | INVALID_TAG
            {"VolumeSize":1,"Tags":[{"Key":"a"},{"Key":"a"}]}                       | INVALID_TAG
            {"VolumeSize":1,"Tags":[{"Key":"a","Value":[]}]}                        | INVALID_TAG
            null                                                                    | INVALID_PARAMETER_VALUE
            []                                                                      | INVALID_PARAMETER_VALUE
            1                                                                       | INVALID_PARAMETER_VALUE
            {"VolumeSize":                                                          | INVALID_PARAMETER_VALUE
            """)
    void aStartIsRefused(String body, String reason) {
        refused(
                "POST",
                "/snapshots",
                body.replace("COMPLETED", completed).replace("PENDING", pending).getBytes(UTF_8),
                Map.of(),
                400,
                "ValidationException",
                reason);
    }

    @Test
    void aStartWithTooMuchOfAnythingIsRefused() {
        JsonArray tags = new JsonArray();
        for (int i = 0; i <= 50; i++) {
            tags.add(new JsonObject().put("Key", "k" + i).put("Value", ""));
        }
        start(new JsonObject().put("VolumeSize", 1).put("Tags", tags), "INVALID_TAG");
        JsonObject longTag = new JsonObject().put("Key", "k").put("Value", "v".repeat(256));
        start(new JsonObject().put("VolumeSize", 1).put("Tags", new JsonArray().add(longTag)), "INVALID_TAG");
        start(new JsonObject().put("VolumeSize", 1).put("Description", "d".repeat(256)), "INVALID_PARAMETER_VALUE");
        start(new JsonObject().put("VolumeSize", 1).put("ClientToken", "t".repeat(256)), "INVALID_PARAMETER_VALUE");
        String deep = "{\"VolumeSize\":1,\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        refused(
                "POST",
                "/snapshots",
                deep.getBytes(UTF_8),
                Map.of(),
                400,
                "ValidationException",
                "INVALID_PARAMETER_VALUE");
    }

    private static void start(JsonObject body, String reason) {
        refused("POST", "/snapshots", body.encode().getBytes(UTF_8), Map.of(), 400, "ValidationException", reason);
    }

    @ParameterizedTest
    @CsvSource({
        "x-amz-Checksum, , INVALID_PARAMETER_VALUE",
        "x-amz-Checksum, AAAA, INVALID_PARAMETER_VALUE",
        "x-amz-Checksum, AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, INVALID_PARAMETER_VALUE",
        "x-amz-Checksum, !, INVALID_PARAMETER_VALUE",
        "x-amz-Checksum-Algorithm, , INVALID_PARAMETER_VALUE",
        "x-amz-Checksum-Algorithm, MD5, INVALID_PARAMETER_VALUE",
        "x-amz-Data-Length, , INVALID_PARAMETER_VALUE",
        "x-amz-Data-Length, 4096, INVALID_PARAMETER_VALUE",
        "x-amz-Data-Length, 524289, INVALID_PARAMETER_VALUE",
        "x-amz-Data-Length, x, INVALID_PARAMETER_VALUE",
        "x-amz-Progress, 101, INVALID_PARAMETER_VALUE",
        "x-amz-Progress, -1, INVALID_PARAMETER_VALUE",
        "Content-Encoding, gzip, INVALID_CONTENT_ENCODING",
    })
    void aBlockWithAWrongHeaderIsRefused(String name, String value, String reason) {
        Map<String, String> headers = headers();
        headers.remove(name);
        if (value != null) {
            headers.put(name, value);
        }
        refused("PUT", block(pending, "0"), DATA, headers, 400, "ValidationException", reason);
    }

    @ParameterizedTest
    @CsvSource({
        "2048, INVALID_BLOCK",
        "2147483647, INVALID_BLOCK",
        "2147483648, INVALID_PARAMETER_VALUE",
        "-1, INVALID_PARAMETER_VALUE",
        "x, INVALID_PARAMETER_VALUE",
        "%30, INVALID_PARAMETER_VALUE",
    })
    void aBlockOutsideIsRefused(String index, String reason) {
        refused("PUT", block(pending, index), DATA, headers(), 400, "ValidationException", reason);
    }

    @Test
    void aBlockOfAnotherLengthIsRefused() {
        for (int length : new int[] {0, 1, BLOCK - 1}) {
            refused(
                    "PUT",
                    block(pending, "0"),
                    new byte[length],
                    headers(),
                    400,
                    "ValidationException",
                    "INVALID_PARAMETER_VALUE");
        }
        assertThat(send("PUT", block(pending, "0"), new byte[BLOCK + 1], headers())
                        .statusCode())
                .isBetween(400, 499);
        pendingHasOneBlock();
    }

    @ParameterizedTest
    @CsvSource({
        "x, 400, ValidationException, INVALID_SNAPSHOT_ID",
        "snap-1, 404, ResourceNotFoundException, SNAPSHOT_NOT_FOUND",
        "snap-00000000000000000, 404, ResourceNotFoundException, SNAPSHOT_NOT_FOUND",
        "COMPLETED, 400, ValidationException, INVALID_SNAPSHOT_ID",
    })
    void aBlockOfNoPendingSnapshotIsRefused(String id, int status, String type, String reason) {
        String path = block(id.replace("COMPLETED", completed), "0");
        refused("PUT", path, DATA, headers(), status, type, reason);
    }

    @ParameterizedTest
    @CsvSource({
        "x-amz-ChangedBlocksCount, ",
        "x-amz-ChangedBlocksCount, 0",
        "x-amz-ChangedBlocksCount, 2",
        "x-amz-ChangedBlocksCount, -1",
        "x-amz-Checksum, AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "x-amz-Checksum-Algorithm, MD5",
        "x-amz-Checksum-Aggregation-Method, TREE",
    })
    void aCompletionThatDoesNotFitIsRefused(String name, String value) {
        Map<String, String> headers = new TreeMap<>(Map.of(
                "x-amz-ChangedBlocksCount", "1",
                "x-amz-Checksum", base64(sha256(sha256(DATA))),
                "x-amz-Checksum-Algorithm", "SHA256",
                "x-amz-Checksum-Aggregation-Method", "LINEAR"));
        headers.remove(name);
        if (value != null) {
            headers.put(name, value);
        }
        String path = "/snapshots/completion/" + pending;
        refused("POST", path, new byte[0], headers, 400, "ValidationException", "INVALID_PARAMETER_VALUE");
        pendingHasOneBlock();
    }

    @ParameterizedTest
    @CsvSource({
        "maxResults=99, INVALID_PARAMETER_VALUE",
        "maxResults=10001, INVALID_PARAMETER_VALUE",
        "maxResults=x, INVALID_PARAMETER_VALUE",
        "maxResults=100&maxResults=100, INVALID_PARAMETER_VALUE",
        "startingBlockIndex=-1, INVALID_PARAMETER_VALUE",
        "startingBlockIndex=2147483648, INVALID_PARAMETER_VALUE",
        "pageToken=, INVALID_PAGE_TOKEN",
        "pageToken=AAAA, INVALID_PAGE_TOKEN",
        "pageToken=TOKEN, INVALID_PAGE_TOKEN",
    })
    void aListIsRefused(String query, String reason) {
        String path = "/snapshots/" + completed + "/blocks?" + query.replace("TOKEN", encoded(token));
        refused("GET", path, new byte[0], Map.of(), 400, "ValidationException", reason);
        refused(
                "GET",
                "/snapshots/" + pending + "/blocks",
                new byte[0],
                Map.of(),
                400,
                "ValidationException",
                "INVALID_SNAPSHOT_ID");
    }

    @Test
    void changesOfStrangersAndOfNobodyAreRefused() {
        String path = "/snapshots/" + completed + "/changedblocks";
        refused("GET", path, new byte[0], Map.of(), 400, "ValidationException", "INVALID_SNAPSHOT_ID");
        refused(
                "GET",
                path + "?firstSnapshotId=x",
                new byte[0],
                Map.of(),
                400,
                "ValidationException",
                "INVALID_SNAPSHOT_ID");
        refused(
                "GET",
                path + "?firstSnapshotId=" + other,
                new byte[0],
                Map.of(),
                400,
                "ValidationException",
                "UNRELATED_SNAPSHOTS");
        refused(
                "GET",
                path + "?firstSnapshotId=" + pending,
                new byte[0],
                Map.of(),
                400,
                "ValidationException",
                "INVALID_SNAPSHOT_ID");
        refused(
                "GET",
                path + "?firstSnapshotId=snap-00000000000000000",
                new byte[0],
                Map.of(),
                404,
                "ResourceNotFoundException",
                "SNAPSHOT_NOT_FOUND");
    }

    @Test
    void aBlockIsReadWithItsOwnTokenOnly() {
        String path = block(completed, "0") + "?blockToken=";
        assertThat(send("GET", path + encoded(token), new byte[0], Map.of()).statusCode())
                .isEqualTo(200);
        for (String wrong : new String[] {"", "AAAA", otherToken, token.toLowerCase(Locale.ROOT)}) {
            refused(
                    "GET",
                    path + encoded(wrong),
                    new byte[0],
                    Map.of(),
                    400,
                    "ValidationException",
                    "INVALID_BLOCK_TOKEN");
        }
        refused("GET", block(completed, "0"), new byte[0], Map.of(), 400, "ValidationException", "INVALID_BLOCK_TOKEN");
        refused(
                "GET",
                block(completed, "1") + "?blockToken=" + encoded(token),
                new byte[0],
                Map.of(),
                400,
                "ValidationException",
                "INVALID_BLOCK_TOKEN");
        refused(
                "GET",
                block("snap-00000000000000000", "0") + "?blockToken=" + encoded(token),
                new byte[0],
                Map.of(),
                404,
                "ResourceNotFoundException",
                "SNAPSHOT_NOT_FOUND");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"GET /snapshots", "DELETE /snapshots/x/blocks/1", "POST /snapshots/completion", "GET /snapshots/"
            })
    void whatIsNotThereIsNoOperation(String request) {
        String[] parts = request.split(" ", 2);
        HttpResponse<String> answer = send(parts[0], parts[1], new byte[0], Map.of());
        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(answer.headers().firstValue("x-amzn-ErrorType")).contains("UnknownOperationException");
    }

    private static void pendingHasOneBlock() {
        JsonObject shown = server.api().get("/v1/snapshots/" + pending).body();
        assertThat(shown.getString("state")).isEqualTo("pending");
        assertThat(shown.getLong("usedBytes")).isEqualTo(BLOCK);
    }

    private static void refused(
            String method,
            String path,
            byte[] body,
            Map<String, String> headers,
            int status,
            String type,
            String reason) {
        int before = snapshots();
        HttpResponse<String> answer = send(method, path, body, headers);
        JsonObject json = new JsonObject(answer.body());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("x-amzn-ErrorType")).contains(type);
        assertThat(json.getString("Reason")).as(answer.body()).isEqualTo(reason);
        assertThat(json.getString("Message")).isNotEmpty().hasSizeLessThanOrEqualTo(256);
        assertThat(snapshots()).isEqualTo(before);
    }

    private static int snapshots() {
        return server.api()
                .get("/v1/snapshots")
                .body()
                .getJsonArray("snapshots")
                .size();
    }

    private static HttpResponse<String> send(String method, String path, byte[] body, Map<String, String> headers) {
        Instant now = Instant.now();
        String time = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'")
                .withZone(ZoneOffset.UTC)
                .format(now);
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(server.daemon().apiUri() + path))
                .method(method, BodyPublishers.ofByteArray(body))
                .header("X-Amz-Date", time)
                .header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
                .header(
                        "Authorization",
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s/us-east-1/ebs/aws4_request, "
                                        .formatted(time.substring(0, 8))
                                + "SignedHeaders=host;x-amz-date, Signature=" + "0".repeat(64));
        headers.forEach(request::header);
        try {
            return HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static String begin() {
        return new JsonObject(send("POST", "/snapshots", "{\"VolumeSize\":1}".getBytes(UTF_8), Map.of())
                        .body())
                .getString("SnapshotId");
    }

    private static String uploaded() {
        String id = begin();
        put(id, 0, DATA, headers());
        assertThat(send("POST", "/snapshots/completion/" + id, new byte[0], Map.of("x-amz-ChangedBlocksCount", "1"))
                        .statusCode())
                .isEqualTo(202);
        return id;
    }

    private static void put(String id, int index, byte[] bytes, Map<String, String> headers) {
        assertThat(send("PUT", block(id, String.valueOf(index)), bytes, headers).statusCode())
                .isEqualTo(201);
    }

    private static String token(String id) {
        return new JsonObject(send("GET", "/snapshots/" + id + "/blocks", new byte[0], Map.of())
                        .body())
                .getJsonArray("Blocks")
                .getJsonObject(0)
                .getString("BlockToken");
    }

    private static String block(String id, String index) {
        return "/snapshots/" + id + "/blocks/" + index;
    }

    private static Map<String, String> headers() {
        return new TreeMap<>(Map.of(
                "x-amz-Data-Length",
                String.valueOf(BLOCK),
                "x-amz-Checksum",
                DIGEST,
                "x-amz-Checksum-Algorithm",
                "SHA256"));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, UTF_8);
    }

    private static byte[] noise() {
        byte[] bytes = new byte[BLOCK];
        new SplittableRandom(9).nextBytes(bytes);
        return bytes;
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
