package io.varve.api.aws;

import io.vertx.core.MultiMap;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a request says about its Signature Version 4 (AWS, "AWS Signature Version 4 for API requests"), in the header
 * Authorization or, of a presigned request, in the query string.
 *
 * @param keyId the access key
 * @param timestamp the date of the request as it is signed, {@code 20150830T123600Z}
 * @param scope date, region, service and {@code aws4_request}, with slashes between
 * @param signedHeaders in lower case, sorted
 * @param signature 64 hexadecimal digits
 * @param expires how long a presigned request lives, in seconds; empty for one with a header
 */
record Signature(
        String keyId,
        String timestamp,
        String scope,
        List<String> signedHeaders,
        String signature,
        Optional<Integer> expires) {
    static final String ALGORITHM = "AWS4-HMAC-SHA256";
    static final String QUERY_ALGORITHM = "X-Amz-Algorithm";
    static final String QUERY_SIGNATURE = "X-Amz-Signature";

    private static final Pattern SCOPE =
            Pattern.compile("([0-9]{8})/([A-Za-z0-9-]{1,64})/([a-z0-9-]{1,64})/aws4_request");
    private static final Pattern KEY_ID = Pattern.compile("[A-Za-z0-9_]{1,128}");
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern HEADER_NAME = Pattern.compile("[a-z0-9!#$%&'*+.^_`|~-]{1,128}");
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss'Z'", Locale.ROOT);

    /** What the request says. Fails with MISSING_AUTHENTICATION or INCOMPLETE_SIGNATURE. */
    static Signature of(MultiMap headers, RawQuery query) {
        List<String> authorization = headers.getAll("Authorization");
        if (authorization.isEmpty()) {
            if (query.first(QUERY_ALGORITHM).isEmpty()
                    && query.first(QUERY_SIGNATURE).isEmpty()) {
                throw new AccessException(
                        AccessFault.MISSING_AUTHENTICATION,
                        "the request is not signed: it has no Authorization header");
            }
            return ofQuery(query);
        }
        if (authorization.size() > 1) {
            throw incomplete("Authorization is given " + authorization.size() + " times");
        }
        if (query.first(QUERY_ALGORITHM).isPresent()) {
            throw incomplete("the request is signed twice, by Authorization and by X-Amz-Algorithm");
        }
        return ofHeader(authorization.get(0), headers);
    }

    private static Signature ofHeader(String authorization, MultiMap headers) {
        int space = authorization.indexOf(' ');
        if (space < 0 || !authorization.substring(0, space).equals(ALGORITHM)) {
            throw incomplete("Authorization does not begin with " + ALGORITHM);
        }
        Map<String, String> parts = new HashMap<>();
        for (String part : authorization.substring(space + 1).split(",", -1)) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? part.trim() : part.substring(0, equals).trim();
            if (equals < 0 || parts.put(name, part.substring(equals + 1).trim()) != null) {
                throw incomplete("Authorization is not Credential=…, SignedHeaders=…, Signature=…, each once");
            }
        }
        return checked(
                part(parts, "Credential"),
                date(headers),
                part(parts, "SignedHeaders"),
                part(parts, "Signature"),
                Optional.empty());
    }

    private static Signature ofQuery(RawQuery query) {
        String algorithm = only(query, QUERY_ALGORITHM);
        if (!algorithm.equals(ALGORITHM)) {
            throw incomplete(QUERY_ALGORITHM + " is not " + ALGORITHM);
        }
        String expires = only(query, "X-Amz-Expires");
        if (!expires.matches("[0-9]{1,6}") || Integer.parseInt(expires) > AwsLimits.PRESIGNED_SECONDS) {
            throw incomplete("X-Amz-Expires is not from 0 to " + AwsLimits.PRESIGNED_SECONDS + " seconds");
        }
        return checked(
                only(query, "X-Amz-Credential"),
                only(query, "X-Amz-Date"),
                only(query, "X-Amz-SignedHeaders"),
                only(query, QUERY_SIGNATURE),
                Optional.of(Integer.parseInt(expires)));
    }

    private static Signature checked(
            String credential, String timestamp, String signedHeaders, String signature, Optional<Integer> expires) {
        int slash = credential.indexOf('/');
        String keyId = slash < 0 ? "" : credential.substring(0, slash);
        String scope = credential.substring(slash + 1);
        if (!KEY_ID.matcher(keyId).matches() || !SCOPE.matcher(scope).matches()) {
            throw incomplete("Credential is not ACCESS-KEY/YYYYMMDD/REGION/SERVICE/aws4_request");
        }
        instant(timestamp);
        if (!timestamp.startsWith(scope.substring(0, scope.indexOf('/')))) {
            throw incomplete("the date in Credential is not that of the request, " + timestamp);
        }
        List<String> names = List.of(signedHeaders.split(";", -1));
        if (names.size() > AwsLimits.SIGNED_HEADERS
                || !names.stream().allMatch(name -> HEADER_NAME.matcher(name).matches())
                || !names.equals(names.stream().sorted().distinct().toList())) {
            throw incomplete("SignedHeaders is not a sorted list of at most " + AwsLimits.SIGNED_HEADERS
                    + " names in lower case, each once");
        }
        if (!names.contains("host")) {
            throw incomplete("SignedHeaders has to name host");
        }
        if (!HEX.matcher(signature).matches()) {
            throw incomplete("Signature is not 64 hexadecimal digits in lower case");
        }
        return new Signature(keyId, timestamp, scope, names, signature, expires);
    }

    /** X-Amz-Date, or Date where that is missing. */
    private static String date(MultiMap headers) {
        List<String> dates = headers.getAll("X-Amz-Date");
        if (dates.size() > 1) {
            throw incomplete("X-Amz-Date is given " + dates.size() + " times");
        }
        if (dates.size() == 1) {
            return dates.get(0).trim();
        }
        String date = headers.get("Date");
        if (date == null) {
            throw incomplete("the request has no date: X-Amz-Date is missing");
        }
        try {
            return DATE.format(LocalDateTime.ofInstant(
                    DateTimeFormatter.RFC_1123_DATE_TIME.parse(date, Instant::from), ZoneOffset.UTC));
        } catch (DateTimeException e) {
            return date; // perhaps in the form of X-Amz-Date; looked at with all others
        }
    }

    private static Instant instant(String timestamp) {
        try {
            return LocalDateTime.parse(timestamp, DATE).toInstant(ZoneOffset.UTC);
        } catch (DateTimeException e) {
            throw incomplete("the date of the request is not written as 20150830T123600Z");
        }
    }

    private static String part(Map<String, String> parts, String name) {
        @Nullable String value = parts.get(name);
        if (value == null) {
            throw incomplete("Authorization has no " + name);
        }
        return value;
    }

    private static String only(RawQuery query, String name) {
        return query.only(name).orElseThrow(() -> incomplete(name + " has to be given once"));
    }

    private static AccessException incomplete(String why) {
        return new AccessException(AccessFault.INCOMPLETE_SIGNATURE, why);
    }

    /** When it was signed. */
    Instant time() {
        return instant(timestamp);
    }

    private String scopePart(int index) {
        return scope.split("/", -1)[index];
    }

    String scopeDate() {
        return scopePart(0);
    }

    String region() {
        return scopePart(1);
    }

    String service() {
        return scopePart(2);
    }
}
