package io.varve.api.rest;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a client prefers (RFC 7240), as far as this server knows it; everything else, and values that say nothing, it
 * ignores, as the RFC wants it.
 *
 * @param waitSeconds how long it would wait for the end of work under way; cut down to {@link RestLimits#WAIT_SECONDS}
 * @param respondAsync whether it would rather not wait
 */
record Preferences(Optional<Integer> waitSeconds, boolean respondAsync) {
    /** The name of the header. */
    static final String HEADER = "Prefer";

    private static final String WAIT = "wait";
    private static final String RESPOND_ASYNC = "respond-async";
    private static final int DIGITS = 9;

    /** Reads all lines of the header; of a preference that is there twice the first counts. */
    static Preferences of(List<String> lines) {
        Map<String, String> values = new HashMap<>();
        for (String line : lines) {
            for (String preference : split(line, ',')) {
                String plain = split(preference, ';').get(0);
                int equals = plain.indexOf('=');
                String name = equals < 0 ? plain : plain.substring(0, equals);
                String value = equals < 0 ? "" : plain.substring(equals + 1).strip();
                values.putIfAbsent(name.strip().toLowerCase(Locale.ROOT), value);
            }
        }
        return new Preferences(
                Optional.ofNullable(values.get(WAIT)).flatMap(Preferences::seconds), values.containsKey(RESPOND_ASYNC));
    }

    /** Without a value it is as long as the server allows. */
    private static Optional<Integer> seconds(String value) {
        String plain = value.matches("\".*\"") ? value.substring(1, value.length() - 1) : value;
        if (plain.isEmpty()) {
            return Optional.of(RestLimits.WAIT_SECONDS);
        }
        if (!plain.matches("[0-9]+")) {
            return Optional.empty();
        }
        int asked = plain.length() > DIGITS ? Integer.MAX_VALUE : Integer.parseInt(plain);
        return Optional.of(Math.min(asked, RestLimits.WAIT_SECONDS));
    }

    /** Splits where the separator stands outside of quotes. */
    private static List<String> split(String text, char separator) {
        List<String> parts = new ArrayList<>();
        boolean quoted = false;
        int begin = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && quoted) {
                i++;
            } else if (c == '"') {
                quoted = !quoted;
            } else if (c == separator && !quoted) {
                parts.add(text.substring(begin, i));
                begin = i + 1;
            }
        }
        parts.add(text.substring(begin));
        return parts;
    }

    /**
     * The answer, with what of this was heeded.
     *
     * @param waited whether the wait that is preferred was granted
     * @param ended false if the work goes on behind the answer
     */
    Answer applied(Answer answer, boolean waited, boolean ended) {
        List<String> heeded = new ArrayList<>();
        if (waited) {
            waitSeconds.ifPresent(seconds -> heeded.add(WAIT + "=" + seconds));
        }
        if (respondAsync && !ended) {
            heeded.add(RESPOND_ASYNC);
        }
        return heeded.isEmpty() ? answer : answer.with("Preference-Applied", String.join(", ", heeded));
    }
}
