package io.varve.api.control;

import java.util.List;

/**
 * A condition on the objects of a list.
 *
 * @param name such as {@code status} or {@code tag:team}
 * @param values alternatives, with {@code *}, {@code ?} and backslash as in {@link Wildcard}
 */
public record Filter(String name, List<String> values) {
    /** How many values all filters of one request may have together, as in EC2. */
    public static final int MOST_VALUES = 200;

    /** True if something that has this value passes. */
    public boolean passes(String value) {
        return values.stream().map(Wildcard::new).anyMatch(pattern -> pattern.matches(value));
    }
}
