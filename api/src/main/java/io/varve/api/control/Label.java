package io.varve.api.control;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Name and tags of a volume, a snapshot or whatever else has them.
 *
 * @param name need not be unique
 * @param tags sorted by key
 */
public record Label(Optional<String> name, Map<String, String> tags) {
    /** How many tags an object may have, as in EC2. */
    public static final int MOST_TAGS = 50;

    public static final Label NONE = new Label(Optional.empty(), Map.of());

    public Label {
        tags = Collections.unmodifiableMap(new TreeMap<>(tags));
    }

    /** The same name and tags, and those of {@code others} that it has not. Fails with TAG_LIMIT_EXCEEDED. */
    public Label over(Map<String, String> others) {
        Map<String, Optional<String>> added = new TreeMap<>();
        others.forEach((key, value) -> added.put(key, Optional.of(tags.getOrDefault(key, value))));
        return tagged(added);
    }

    /**
     * The same name with other tags.
     *
     * @param changes sets those with a value, removes those without; others stay
     * @throws RequestException TAG_LIMIT_EXCEEDED
     */
    public Label tagged(Map<String, Optional<String>> changes) {
        Map<String, String> changed = new TreeMap<>(tags);
        changes.forEach((key, value) -> {
            changed.remove(key);
            value.ifPresent(text -> changed.put(key, text));
        });
        if (changed.size() > MOST_TAGS) {
            throw new RequestException(
                    ErrorCode.TAG_LIMIT_EXCEEDED,
                    "tags would be " + changed.size() + "; " + MOST_TAGS + " are allowed");
        }
        return new Label(name, changed);
    }
}
