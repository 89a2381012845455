package io.varve.api.control;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The filters that the list of one kind knows, with EC2's names. Every object has tags, so {@code tag:KEY},
 * {@code tag-key} and {@code name} are known everywhere.
 *
 * @param <T> what is listed
 */
final class Filters<T> {
    private static final String TAG = "tag:";

    private final Function<T, Label> label;
    private final Map<String, Function<T, Stream<String>>> known = new TreeMap<>();

    Filters(Function<T, Label> label) {
        this.label = label;
        known.put("tag-key", object -> label.apply(object).tags().keySet().stream());
        known.put("name", object -> label.apply(object).name().stream());
    }

    /** Adds a filter on something that every object has exactly one of. */
    Filters<T> one(String name, Function<T, Object> value) {
        known.put(name, object -> Stream.of(String.valueOf(value.apply(object))));
        return this;
    }

    /** Adds a filter on something that an object may have none or many of. */
    Filters<T> many(String name, Function<T, Stream<?>> values) {
        known.put(name, object -> values.apply(object).map(String::valueOf));
        return this;
    }

    /**
     * What passes all of {@code wanted}.
     *
     * @throws RequestException INVALID_PARAMETER_VALUE if there is no such filter, FILTER_LIMIT_EXCEEDED
     */
    Predicate<T> passing(List<Filter> wanted) {
        if (wanted.stream().mapToInt(filter -> filter.values().size()).sum() > Filter.MOST_VALUES) {
            throw new RequestException(
                    ErrorCode.FILTER_LIMIT_EXCEEDED, "more than " + Filter.MOST_VALUES + " values of filters");
        }
        List<Predicate<T>> all = new ArrayList<>();
        for (Filter filter : wanted) {
            Function<T, Stream<String>> values = values(filter.name());
            List<Wildcard> patterns =
                    filter.values().stream().map(Wildcard::new).toList();
            all.add(object -> values.apply(object)
                    .anyMatch(value -> patterns.stream().anyMatch(pattern -> pattern.matches(value))));
        }
        return object -> all.stream().allMatch(condition -> condition.test(object));
    }

    private Function<T, Stream<String>> values(String name) {
        if (name.startsWith(TAG)) {
            String key = name.substring(TAG.length());
            return object -> Stream.ofNullable(label.apply(object).tags().get(key));
        }
        Function<T, Stream<String>> values = known.get(name);
        if (values == null) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "there is no filter \"%s\" here; there are %s and tag:KEY"
                            .formatted(name, String.join(", ", known.keySet())));
        }
        return values;
    }
}
