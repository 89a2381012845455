package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Options on their way into a request. */
final class Fields {
    private Fields() {}

    /** Puts what was given. */
    static void put(JsonObject body, String field, @Nullable Object value) {
        if (value != null) {
            body.put(field, value);
        }
    }

    /** Puts changes of tags, if there are any; an empty value takes a tag away. */
    static void putTags(JsonObject body, Map<String, String> tags) {
        if (!tags.isEmpty()) {
            JsonObject changes = new JsonObject();
            tags.forEach((key, value) -> changes.put(key, value.isEmpty() ? null : value));
            body.put("tags", changes);
        }
    }

    /** Whatever the user wrote, as one segment of a path. */
    static String segment(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
