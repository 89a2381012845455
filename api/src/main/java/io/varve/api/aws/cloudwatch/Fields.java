package io.varve.api.aws.cloudwatch;

import static io.varve.api.aws.cloudwatch.CloudWatchException.invalid;

import io.varve.api.aws.Echo;
import io.varve.api.aws.cloudwatch.CloudWatchException.Code;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a structure, whichever protocol brought them: a number may be its text, and a time may be text or the
 * seconds since 1970.
 *
 * @param name where it stands in the request, for messages; empty for the request itself
 */
record Fields(String name, Map<String, ? extends @Nullable Object> values) {
    private static final BigDecimal LAST_SECOND =
            new BigDecimal(Instant.parse("9999-12-31T23:59:59Z").getEpochSecond());

    Optional<String> text(String field) {
        Object value = values.get(field);
        if (value == null) {
            return Optional.empty();
        }
        if (value instanceof Map || value instanceof List) {
            throw invalid(path(field) + " is refused: it is a text");
        }
        return Optional.of(value.toString());
    }

    String requiredText(String field) {
        return text(field).filter(text -> !text.isEmpty()).orElseThrow(() -> missing(field));
    }

    Optional<Integer> number(String field, int least, int most) {
        return text(field).map(text -> {
            if (text.matches("[0-9]{1,9}")) {
                int number = Integer.parseInt(text);
                if (number >= least && number <= most) {
                    return number;
                }
            }
            throw invalid("%s %s is refused: it is a number from %d to %d"
                    .formatted(path(field), Echo.quoted(text), least, most));
        });
    }

    int period() {
        String text = requiredText("Period");
        int period = number("Period", 1, 86_400).orElseThrow(() -> missing("Period"));
        if (period % MetricSamples.SECONDS != 0) {
            throw invalid("%s %s is refused: it is a multiple of 60 seconds".formatted(path("Period"), text));
        }
        return period;
    }

    boolean flag(String field, boolean otherwise) {
        return text(field)
                .map(text -> {
                    if (!text.equals("true") && !text.equals("false")) {
                        throw invalid(
                                "%s %s is refused: it is true or false".formatted(path(field), Echo.quoted(text)));
                    }
                    return text.equals("true");
                })
                .orElse(otherwise);
    }

    /** The second since 1970, rounded down. */
    long second(String field) {
        String text = requiredText(field);
        try {
            if (text.matches("-?[0-9.]{1,20}([eE]\\+?[0-9]{1,2})?")) {
                BigDecimal seconds = new BigDecimal(text);
                if (seconds.signum() >= 0 && seconds.compareTo(LAST_SECOND) <= 0) {
                    return seconds.longValue();
                }
            } else {
                return OffsetDateTime.parse(text).toEpochSecond();
            }
        } catch (DateTimeException | NumberFormatException e) {
            throw notATime(field, text);
        }
        throw notATime(field, text);
    }

    private CloudWatchException notATime(String field, String text) {
        return invalid("%s %s is refused: it is a time such as 2030-01-31T12:00:00Z"
                .formatted(path(field), Echo.quoted(text)));
    }

    Optional<Fields> structure(String field) {
        Object value = values.get(field);
        return value == null ? Optional.empty() : Optional.of(structure(path(field), value));
    }

    @SuppressWarnings("unchecked") // keys are texts in both protocols
    private static Fields structure(String name, Object value) {
        if (value instanceof Map<?, ?> map) {
            return new Fields(name, (Map<String, ? extends @Nullable Object>) map);
        }
        throw invalid(name + " is refused: it is a structure");
    }

    List<Fields> structures(String field) {
        List<Fields> structures = new ArrayList<>();
        for (Object value : list(field)) {
            structures.add(structure(path(field) + "." + (structures.size() + 1), value));
        }
        return structures;
    }

    List<String> texts(String field) {
        return list(field).stream().map(Object::toString).toList();
    }

    private List<?> list(String field) {
        Object value = values.get(field);
        if (value == null) {
            return List.of();
        }
        if (value instanceof List<?> list && !list.contains(null)) {
            return list;
        }
        throw invalid(path(field) + " is refused: it is a list");
    }

    CloudWatchException missing(String field) {
        return new CloudWatchException(Code.MISSING, "The parameter " + path(field) + " is required");
    }

    String path(String field) {
        return name.isEmpty() ? field : name + "." + field;
    }
}
