package io.varve.api.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.api.access.Role;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Signature Version 4, by requests that AWS has published with their signatures and by what can be wrong with one. */
class SignatureCheckTest {
    private static final Instant SIGNED = Instant.parse("2015-08-30T12:36:00Z");
    private static final String DATE = "20150830T123600Z";

    private final OneKey keys = new OneKey();
    private Instant now = SIGNED;

    @BeforeEach
    void shut() {
        keys.shut(Role.OPERATE);
    }

    /** Every request of the suite, with the names under which they are kept. */
    static List<String> testSuite() throws IOException, URISyntaxException {
        Path directory = Path.of(Objects.requireNonNull(SignatureCheckTest.class.getResource("sigv4"))
                .toURI());
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".txt"))
                    .sorted()
                    .toList();
        }
    }

    private static String text(String name) throws IOException {
        try (InputStream in = SignatureCheckTest.class.getResourceAsStream("sigv4/" + name)) {
            return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
        }
    }

    @ParameterizedTest
    @MethodSource("testSuite")
    void requestsOfTheTestSuiteAreTaken(String name) throws IOException {
        String text = text(name);
        String line = text.substring(0, text.indexOf('\n'));
        String target = line.substring(line.indexOf(' ') + 1, line.lastIndexOf(' '));
        Sent sent = new Sent(line.substring(0, line.indexOf(' ')), target).read(text);
        assertThat(sent.check()).isEqualTo(OneKey.ID);
        sent.method = sent.method.equals("GET") ? "POST" : "GET";
        assertRefused(sent, AccessFault.WRONG_SIGNATURE);
    }

    @Test
    void aRequestThatIsSignedWellIsItsKeys() {
        assertThat(query().authorized().check()).isEqualTo(OneKey.ID);
    }

    @Test
    void withoutAnyKeyNobodyIsAsked() {
        keys.reopen();
        now = SIGNED.plus(Duration.ofDays(300));
        assertThat(query().authorized("us-east-1", "ec2", "0".repeat(64)).check())
                .isEqualTo("open");
    }

    @Test
    void aKeyThatIsNotKnownIsRefused() {
        Sent sent = query().authorized();
        sent.change("Authorization", text -> text.replace(OneKey.ID, "AKIDSOMEBODY"));
        assertRefused(sent, AccessFault.UNKNOWN_KEY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"method", "path", "query", "body", "header", "host", "region", "date", "signature"})
    void whatIsChangedOnTheWayIsFound(String what) {
        Sent sent = query().authorized();
        switch (what) {
            case "method" -> sent.method = "PUT";
            case "path" -> sent.path = "/other";
            case "query" -> sent.query = RawQuery.of("a=2");
            case "body" -> sent.body = Buffer.buffer("Action=DeleteVolume");
            case "header" -> sent.headers.set("Content-Type", "text/plain");
            case "host" -> sent.headers.set("Host", "localhost:1");
            case "region" -> sent.change("Authorization", text -> text.replace("us-east-1", "us-east-2"));
            case "date" -> sent.headers.set("X-Amz-Date", "20150830T123601Z");
            default -> sent.change("Authorization", SignatureCheckTest::flipped);
        }
        assertRefused(sent, AccessFault.WRONG_SIGNATURE);
    }

    private static String flipped(String authorization) {
        char last = authorization.charAt(authorization.length() - 1);
        return authorization.substring(0, authorization.length() - 1) + (last == '0' ? '1' : '0');
    }

    @ParameterizedTest
    @CsvSource({"-901,false", "-900,true", "0,true", "900,true", "901,false", "86400,false"})
    void aRequestIsGoodForAQuarterOfAnHour(long secondsLater, boolean good) {
        Sent sent = query().authorized();
        now = SIGNED.plusSeconds(secondsLater);
        if (good) {
            assertThat(sent.check()).isEqualTo(OneKey.ID);
        } else {
            assertRefused(sent, AccessFault.EXPIRED);
        }
    }

    @Test
    void aRequestThatWasSeenCannotBeGivenAnotherDate() {
        Sent sent = query().authorized();
        now = SIGNED.plus(Duration.ofHours(1));
        sent.headers.set("X-Amz-Date", "20150830T133600Z");
        assertRefused(sent, AccessFault.WRONG_SIGNATURE);
    }

    @Test
    void aHeaderForAwsHasToBeSigned() {
        Sent sent = query().authorized();
        sent.headers.set("X-Amz-Target", "Something.Else");
        assertRefused(sent, AccessFault.WRONG_SIGNATURE);
    }

    @Test
    void aSignedHeaderCannotBeTakenAwayOrDoubled() {
        Sent taken = query().authorized();
        taken.headers.remove("Content-Type");
        assertRefused(taken, AccessFault.WRONG_SIGNATURE);
        Sent doubled = query().authorized();
        doubled.headers.add("Content-Type", "text/plain");
        assertRefused(doubled, AccessFault.WRONG_SIGNATURE);
    }

    @Test
    void aBodyMayBeLeftOutOfTheSignatureIfThatIsSigned() {
        Sent sent = query().header("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD").authorized();
        sent.body = Buffer.buffer("anything");
        assertThat(sent.check()).isEqualTo(OneKey.ID);
    }

    @ParameterizedTest
    @CsvSource({
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD,INCOMPLETE_SIGNATURE",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER,INCOMPLETE_SIGNATURE",
        "nonsense,WRONG_SIGNATURE",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,WRONG_SIGNATURE"
    })
    void aHashOfTheBodyHasToBeItsHash(String hash, AccessFault fault) {
        assertRefused(query().header("X-Amz-Content-SHA256", hash).authorized(), fault);
    }

    @Test
    void aPresignedRequestIsGoodAsLongAsItSays() {
        String presigned = "/?Action=DescribeVolumes&X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fec2%2Faws4_request&X-Amz-Date=" + DATE
                + "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=";
        Sent unsigned = new Sent("GET", presigned + "0".repeat(64)).header("Host", "localhost");
        Sent sent = new Sent("GET", presigned + unsigned.expected()).header("Host", "localhost");
        assertThat(sent.check()).isEqualTo(OneKey.ID);
        assertRefused(unsigned, AccessFault.WRONG_SIGNATURE);
        now = SIGNED.plusSeconds(61);
        assertRefused(sent, AccessFault.EXPIRED);
    }

    private Sent query() {
        Sent sent = new Sent("POST", "/?a=1")
                .header("Host", "localhost:7080")
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header("X-Amz-Date", DATE);
        sent.body = Buffer.buffer("Action=DescribeVolumes");
        return sent;
    }

    private static void assertRefused(Sent sent, AccessFault fault) {
        assertThatThrownBy(sent::check)
                .isInstanceOfSatisfying(
                        AccessException.class,
                        refusal -> assertThat(refusal.fault()).isEqualTo(fault));
    }

    /** A request on its way. */
    private final class Sent {
        private final MultiMap headers = MultiMap.caseInsensitiveMultiMap();
        private String method;
        private String path;
        private RawQuery query;
        private Buffer body = Buffer.buffer();

        Sent(String method, String target) {
            int mark = target.indexOf('?');
            this.method = method;
            path = mark < 0 ? target : target.substring(0, mark);
            query = RawQuery.of(mark < 0 ? "" : target.substring(mark + 1));
        }

        private Sent read(String text) {
            int end = text.indexOf("\n\n");
            List<String> lines =
                    List.of(text.substring(0, end < 0 ? text.length() : end).split("\n", -1));
            lines.subList(1, lines.size()).stream()
                    .filter(line -> !line.isEmpty())
                    .forEach(line -> {
                        int colon = line.indexOf(':');
                        header(line.substring(0, colon), line.substring(colon + 1));
                    });
            body = Buffer.buffer(end < 0 ? "" : text.substring(end + 2));
            return this;
        }

        Sent header(String name, String value) {
            headers.add(name, value);
            return this;
        }

        void change(String header, UnaryOperator<String> change) {
            headers.set(header, change.apply(headers.get(header)));
        }

        private List<String> names() {
            List<String> names = new ArrayList<>();
            headers.names().forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
            names.remove("authorization");
            return names.stream().distinct().sorted().toList();
        }

        /** What a client would sign that signs all headers. */
        String signed(String region, String service) {
            String said = headers.get("X-Amz-Content-SHA256");
            Signature signature = new Signature(
                    OneKey.ID,
                    DATE,
                    "20150830/" + region + "/" + service + "/aws4_request",
                    names(),
                    "",
                    Optional.empty());
            String hash = said != null ? said : SignatureCheck.hash(body.getBytes());
            return SignatureCheck.sign(
                    OneKey.SECRET,
                    signature,
                    CanonicalRequest.of(method, path, query, headers, signature.signedHeaders(), hash));
        }

        Sent authorized() {
            return authorized("us-east-1", "ec2", signed("us-east-1", "ec2"));
        }

        Sent authorized(String region, String service, String signature) {
            return header(
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=%s/20150830/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s"
                            .formatted(OneKey.ID, region, service, String.join(";", names()), signature));
        }

        /** The signature that a presigned request should have. */
        String expected() {
            Signature signature = Signature.of(headers, query);
            return SignatureCheck.sign(
                    OneKey.SECRET,
                    signature,
                    CanonicalRequest.of(
                            method,
                            path,
                            query,
                            headers,
                            signature.signedHeaders(),
                            SignatureCheck.hash(body.getBytes())));
        }

        String check() {
            return new SignatureCheck(keys, () -> now)
                    .caller(method, path, query, headers, Signature.of(headers, query), body)
                    .id();
        }
    }
}
