package io.varve.api.control;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Name and tags of a volume or snapshot.
 *
 * @param name need not be unique
 * @param tags sorted by key
 */
public record Label(Optional<String> name, Map<String, String> tags) {
    public static final Label NONE = new Label(Optional.empty(), Map.of());

    public Label {
        tags = Collections.unmodifiableMap(new TreeMap<>(tags));
    }
}
