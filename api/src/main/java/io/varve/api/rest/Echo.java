package io.varve.api.rest;

import io.vertx.core.json.Json;
import org.jspecify.annotations.Nullable;

/** Values of a request as they are repeated in an answer: in JSON, and never long. */
final class Echo {
    private Echo() {}

    static String json(@Nullable Object value) {
        return shorten(Json.encode(value));
    }

    static String shorten(String text) {
        return text.length() <= RestLimits.ECHO_CHARS ? text : text.substring(0, RestLimits.ECHO_CHARS) + "…";
    }
}
