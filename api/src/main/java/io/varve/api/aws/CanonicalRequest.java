package io.varve.api.aws;

import io.vertx.core.MultiMap;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The one way to write down a request before it is signed (AWS, "Create a signed AWS API request", step 1), as all
 * services but S3 have it: the path is without detours and encoded once more than it was sent.
 */
final class CanonicalRequest {
    private static final Pattern SPACES = Pattern.compile("\\s+");

    private CanonicalRequest() {}

    /**
     * Writes it down.
     *
     * @param path as it was sent
     * @param payloadHash what the last line says
     */
    static String of(
            String method,
            String path,
            RawQuery query,
            MultiMap headers,
            List<String> signedHeaders,
            String payloadHash) {
        String headerLines = signedHeaders.stream()
                .map(name -> name + ":" + value(headers, name) + "\n")
                .collect(Collectors.joining());
        return String.join(
                "\n", method, path(path), query(query), headerLines, String.join(";", signedHeaders), payloadHash);
    }

    static String path(String path) {
        List<String> kept = new ArrayList<>();
        for (String segment : path.split("/", -1)) {
            if (segment.equals("..")) {
                if (!kept.isEmpty()) {
                    kept.remove(kept.size() - 1);
                }
            } else if (!segment.isEmpty() && !segment.equals(".")) {
                kept.add(encoded(segment));
            }
        }
        boolean directory = path.endsWith("/") && !kept.isEmpty();
        return "/" + String.join("/", kept) + (directory ? "/" : "");
    }

    private static String query(RawQuery query) {
        return query.pairs().stream()
                .map(pair -> Map.entry(reencoded(pair.getKey()), reencoded(pair.getValue())))
                .filter(pair -> !pair.getKey().equals(Signature.QUERY_SIGNATURE))
                .sorted(Map.Entry.<String, String>comparingByKey()
                        .thenComparing(Map.Entry::getValue, Comparator.naturalOrder()))
                .map(pair -> pair.getKey() + "=" + pair.getValue())
                .collect(Collectors.joining("&"));
    }

    private static String value(MultiMap headers, String name) {
        return headers.getAll(name).stream()
                .map(value -> SPACES.matcher(value.strip()).replaceAll(" "))
                .collect(Collectors.joining(","));
    }

    private static String reencoded(String text) {
        return encoded(URLDecoder.decode(text, StandardCharsets.UTF_8));
    }

    /** All but the unreserved characters of RFC 3986. */
    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }
}
