package io.varve.api.aws;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The query string of a request.
 *
 * @param pairs names and values in their order, as they were sent
 */
record RawQuery(List<Map.Entry<String, String>> pairs) {
    static RawQuery of(String text) {
        List<Map.Entry<String, String>> pairs = new ArrayList<>();
        if (!text.isEmpty()) {
            for (String pair : text.split("&", -1)) {
                int equals = pair.indexOf('=');
                pairs.add(
                        equals < 0
                                ? Map.entry(pair, "")
                                : Map.entry(pair.substring(0, equals), pair.substring(equals + 1)));
            }
        }
        return new RawQuery(List.copyOf(pairs));
    }

    /** The decoded value of the first parameter with this name. */
    Optional<String> first(String name) {
        return all(name).stream().findFirst();
    }

    /** The decoded value of the parameter with this name; empty if there is none or more than one. */
    Optional<String> only(String name) {
        List<String> all = all(name);
        return all.size() == 1 ? Optional.of(all.get(0)) : Optional.empty();
    }

    private List<String> all(String name) {
        return pairs.stream()
                .filter(pair -> pair.getKey().equals(name))
                .map(pair -> decoded(pair.getValue()))
                .toList();
    }

    /** The parameters decoded, without those that carry a signature. */
    List<Map.Entry<String, String>> parameters() {
        return pairs.stream()
                .map(pair -> Map.entry(decoded(pair.getKey()), decoded(pair.getValue())))
                .filter(pair -> !pair.getKey().startsWith("X-Amz-"))
                .toList();
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new AccessException(
                    AccessFault.INCOMPLETE_SIGNATURE, "the query string has a % that no two hexadecimal digits follow");
        }
    }
}
