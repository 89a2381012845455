package io.varve.api.aws;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.api.access.AuditLog;
import io.varve.api.access.Role;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests the gate takes, which face they go to, and what it says to those that it does not let in. */
class AwsGateTest {
    private static final String SIGNATURE = "0".repeat(64);
    private static final String WELL_FORMED =
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/"
                    + "aws4_request, SignedHeaders=host;x-amz-date, Signature=" + SIGNATURE;
    private static final String DATE = "X-Amz-Date: 20150830T123600Z";

    private static final OneKey KEYS = new OneKey();
    private static final InstantSource CLOCK = () -> Instant.parse("2015-08-30T12:36:00Z");

    @TempDir
    private static Path directory;

    private static Vertx vertx;
    private static AuditLog audit;
    private static int port;

    @BeforeAll
    static void start() throws Exception {
        vertx = Vertx.vertx();
        audit = new AuditLog(directory, CLOCK);
        AwsGate gate = new AwsGate(Map.of("ec2", new EchoFace(), "ebs", new EchoFace()), KEYS, audit, CLOCK);
        port = vertx.createHttpServer()
                .requestHandler(request -> {
                    if (gate.takes(request)) {
                        gate.handle(request);
                    } else {
                        request.response().setStatusCode(404).end("not the gate's");
                    }
                })
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS)
                .actualPort();
    }

    @AfterAll
    static void stop() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
        audit.close();
    }

    @AfterEach
    void reopen() {
        KEYS.reopen();
    }

    @Test
    void aSignatureIsCheckedOnceThereIsAKey() throws IOException {
        KEYS.shut(Role.OPERATE);
        assertThat(post("/", "Hello", WELL_FORMED, DATE))
                .startsWith("HTTP/1.1 403")
                .contains("AuthFailure: the signature does not match");
        assertThat(post("/", "Hello", WELL_FORMED.replace("/ec2/", "/ebs/"), DATE))
                .contains("InvalidSignatureException: ");
        assertThat(post("/", "Hello", WELL_FORMED.replace("AKIDEXAMPLE", "AKIDSOMEBODY"), DATE))
                .startsWith("HTTP/1.1 403")
                .contains("AuthFailure: there is no access key AKIDSOMEBODY here");
        assertThat(post("/", "Hello", WELL_FORMED.replace("20150830", "20140830"), DATE.replace("2015", "2014")))
                .startsWith("HTTP/1.1 400")
                .contains("RequestExpired: ");
    }

    @Test
    void whoIsNobodyIsRefusedBeforeHisBodyIsWaitedFor() throws IOException {
        KEYS.shut(Role.OPERATE);
        String headers = WELL_FORMED.replace("AKIDEXAMPLE", "AKIDSOMEBODY") + "\r\n" + DATE;
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write(("POST / HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\nContent-Length: 900\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 403");
        }
    }

    @Test
    void aChangeTakesTheRoleAndIsNoted() throws IOException {
        KEYS.shut(Role.READ);
        assertThat(post("/", "Look", signed("Look"))).endsWith("POST / [] AKIDEXAMPLE Look");
        assertThat(post("/", "ChangeA", signed("ChangeA")))
                .startsWith("HTTP/1.1 403")
                .contains("UnauthorizedOperation: ChangeA needs the role operate; access key AKIDEXAMPLE has read");
        KEYS.shut(Role.OPERATE);
        assertThat(post("/", "ChangeB", signed("ChangeB"))).endsWith("POST / [] AKIDEXAMPLE ChangeB");
        assertThat(Files.readAllLines(directory.resolve(AuditLog.FILE_NAME)))
                .containsExactly(
                        "{\"time\":\"2015-08-30T12:36:00Z\",\"who\":\"AKIDEXAMPLE\",\"api\":\"ec2\",\"operation\":"
                                + "\"ChangeA\",\"resources\":[],\"status\":403}",
                        "{\"time\":\"2015-08-30T12:36:00Z\",\"who\":\"AKIDEXAMPLE\",\"api\":\"ec2\",\"operation\":"
                                + "\"ChangeB\",\"resources\":[\"vol-echo\"],\"status\":200}");
    }

    /** The headers of a request to EC2 with this body. */
    private static String[] signed(String body) {
        MultiMap headers =
                MultiMap.caseInsensitiveMultiMap().add("Host", "localhost").add("X-Amz-Date", "20150830T123600Z");
        Signature unsigned = new Signature(
                OneKey.ID,
                "20150830T123600Z",
                "20150830/us-east-1/ec2/aws4_request",
                List.of("host", "x-amz-date"),
                "",
                Optional.empty());
        String canonical = CanonicalRequest.of(
                "POST",
                "/",
                RawQuery.of(""),
                headers,
                unsigned.signedHeaders(),
                SignatureCheck.hash(body.getBytes(StandardCharsets.US_ASCII)));
        String signature = SignatureCheck.sign(OneKey.SECRET, unsigned, canonical);
        return new String[] {WELL_FORMED.replace(SIGNATURE, signature), DATE};
    }

    @Test
    void aWellFormedRequestReachesTheFaceOfItsScope() throws IOException {
        assertThat(post("/?b=2&a=%2F&X-Amz-Ignored=1", "Hello", WELL_FORMED, DATE))
                .startsWith("HTTP/1.1 200")
                .contains("x-amzn-RequestId: ")
                .endsWith("POST / [b=2, a=/] open Hello");
        assertThat(post("/snapshots/snap-1", "Hello", WELL_FORMED.replace("/ec2/", "/ebs/"), DATE))
                .endsWith("POST /snapshots/snap-1 [] open Hello");
    }

    @Test
    void aPresignedRequestIsTaken() throws IOException {
        assertThat(post("/?" + presigned(), "Hello")).endsWith("POST / [] open Hello");
    }

    @Test
    void aRequestThatIsNotSignedIsNeverServed() throws IOException {
        assertThat(post("/", "Hello", "Content-Type: application/x-www-form-urlencoded"))
                .startsWith("HTTP/1.1 403")
                .contains("MissingAuthenticationToken: ");
        assertThat(post("/snapshots", "Hello", "Content-Type: application/json"))
                .startsWith("HTTP/1.1 403")
                .contains("MissingAuthenticationTokenException: ");
        assertThat(post("/service/GraniteServiceVersion20100801/operation/ListMetrics", "Hello"))
                .startsWith("HTTP/1.1 403")
                .contains("<Code>MissingAuthenticationToken</Code>");
        assertThat(post("/", "Hello", "Authorization: Basic dTpw"))
                .startsWith("HTTP/1.1 400")
                .contains("IncompleteSignature");
    }

    @Test
    void aServiceThatIsNotHereIsSaid() throws IOException {
        assertThat(post("/", "Hello", WELL_FORMED.replace("/ec2/", "/sts/"), DATE))
                .startsWith("HTTP/1.1 404")
                .contains("<Code>InvalidAction</Code>")
                .contains("there is no service sts here; there are ebs, ec2");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request|Credential=AKIDEXAMPLE",
                "AKIDEXAMPLE/|/",
                "AKIDEXAMPLE/|AK<script>/",
                "/20150830/|/20150831/",
                "/20150830/|/2015083/",
                "us-east-1|us east",
                "aws4_request|aws5_request",
                "SignedHeaders=host;x-amz-date|SignedHeaders=x-amz-date",
                "SignedHeaders=host;x-amz-date|SignedHeaders=x-amz-date;host",
                "SignedHeaders=host;x-amz-date|SignedHeaders=Host",
                "SignedHeaders=host;x-amz-date|SignedHeaders=host;host",
                "SignedHeaders=host;x-amz-date|SignedHeaders=",
                "SignedHeaders=host;x-amz-date, |",
                "Signature=0|Signature=X",
                "Signature=0|Signature=00",
                "Signature=0|Signature=0, Signature=0",
                "AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256",
            })
    void whatIsWrongWithASignatureIsSaid(String good, String bad) throws IOException {
        assertThat(post("/", "Hello", WELL_FORMED.replace(good, bad == null ? "" : bad), DATE))
                .startsWith("HTTP/1.1 400")
                .contains("IncompleteSignature: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "X-Amz-Date: 2015-08-30",
                "X-Amz-Date: 20151330T123600Z",
                "X-Amz-Nothing: here",
                "Date: yesterday",
                "X-Amz-Date: 20150830T123600Z\r\nX-Amz-Date: 20150830T123601Z"
            })
    void aRequestNeedsOneDate(String header) throws IOException {
        assertThat(post("/", "Hello", WELL_FORMED, header))
                .startsWith("HTTP/1.1 400")
                .contains("IncompleteSignature: ");
    }

    @Test
    void twoSignaturesAreOneTooMany() throws IOException {
        assertThat(post("/", "Hello", WELL_FORMED, WELL_FORMED, DATE)).contains("IncompleteSignature: ");
        assertThat(post("/?" + presigned(), "Hello", WELL_FORMED, DATE)).contains("IncompleteSignature: ");
        assertThat(post("/?" + presigned() + "&X-Amz-Expires=61", "Hello")).contains("IncompleteSignature: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "604801", "x", "99999999999", ""})
    void aPresignedRequestLivesForAWeekAtMost(String seconds) throws IOException {
        assertThat(post("/?" + presigned().replace("Expires=60", "Expires=" + seconds), "Hello"))
                .contains("IncompleteSignature: ");
    }

    @Test
    void aQueryThatCannotBeReadIsRefused() throws IOException {
        assertThat(post("/?a=%zz", "Hello", WELL_FORMED, DATE))
                .startsWith("HTTP/1.1 400")
                .contains("IncompleteSignature: ");
    }

    @Test
    void aBodyThatIsTooLargeIsRefusedHoweverItComes() throws IOException {
        String most = "x".repeat(EchoFace.BODY_BYTES);
        assertThat(post("/", most, WELL_FORMED, DATE)).startsWith("HTTP/1.1 200");
        assertThat(post("/", most + "x", WELL_FORMED, DATE))
                .startsWith("HTTP/1.1 413")
                .contains("larger than 1000 bytes");
        String chunk = "1F4\r\n" + "x".repeat(500) + "\r\n";
        String headers = WELL_FORMED + "\r\n" + DATE + "\r\nTransfer-Encoding: chunked";
        assertThat(exchange("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n\r\n" + chunk
                        + chunk + "1\r\nx\r\n0\r\n\r\n"))
                .startsWith("HTTP/1.1 413");
    }

    @Test
    void aFaceThatFailsIsOurFault() throws IOException {
        assertThat(post("/", "Break", WELL_FORMED, DATE))
                .startsWith("HTTP/1.1 500")
                .contains("InternalError: ")
                .doesNotContain("broken on request");
    }

    @Test
    void otherPathsAreNotTheGates() throws IOException {
        assertThat(exchange("GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 404");
    }

    private static String presigned() {
        return "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fec2%2Faws4_request"
                + "&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + SIGNATURE;
    }

    private static String post(String path, String body, String... headers) throws IOException {
        String lines = headers.length == 0 ? "" : String.join("\r\n", headers) + "\r\n";
        return exchange("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lines
                + "Content-Length: " + body.length() + "\r\n\r\n" + body);
    }

    /** Over a plain socket, because HTTP clients mend what is wrong here. */
    private static String exchange(String request) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
