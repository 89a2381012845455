package io.varve.api.rest;

import io.vertx.core.json.JsonObject;

/** An answer on its way out. */
record Answer(int status, String contentType, String body) {
    private static final String JSON = "application/json";

    static Answer json(int status, JsonObject body) {
        return new Answer(status, JSON, body.encode());
    }

    static Answer jsonText(String body) {
        return new Answer(200, JSON, body);
    }

    static Answer empty() {
        return new Answer(204, "", "");
    }
}
