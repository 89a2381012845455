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
}
