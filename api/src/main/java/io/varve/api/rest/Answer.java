package io.varve.api.rest;

import io.vertx.core.json.JsonObject;
import java.util.HashMap;
import java.util.Map;

/**
 * An answer on its way out.
 *
 * @param headers those beside Content-Type
 */
record Answer(int status, String contentType, String body, Map<String, String> headers) {
    private static final String JSON = "application/json";

    static Answer json(int status, JsonObject body) {
        return new Answer(status, JSON, body.encode(), Map.of());
    }

    static Answer text(String contentType, String body) {
        return new Answer(200, contentType, body, Map.of());
    }

    static Answer problem(int status, JsonObject body) {
        return new Answer(status, "application/problem+json", body.encode(), Map.of());
    }

    static Answer empty() {
        return new Answer(204, "", "", Map.of());
    }

    /** An object with its version. */
    static Answer tagged(String etag, JsonObject body) {
        return new Answer(200, JSON, body.encode(), Map.of("ETag", quoted(etag)));
    }

    /** An object that was made, with its version and where it is. */
    static Answer created(String etag, String location, JsonObject body) {
        return new Answer(201, JSON, body.encode(), Map.of("ETag", quoted(etag), "Location", location));
    }

    /** An object without versions that was made, with where it is. */
    static Answer created(String location, JsonObject body) {
        return new Answer(201, JSON, body.encode(), Map.of("Location", location));
    }

    /** The same with one more header. */
    Answer with(String header, String value) {
        Map<String, String> all = new HashMap<>(headers);
        all.put(header, value);
        return new Answer(status, contentType, body, Map.copyOf(all));
    }

    private static String quoted(String etag) {
        return '"' + etag + '"';
    }
}
