package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** One page of a list. The token to go on with is the id that the page before ended with. */
final class Page {
    private Page() {}

    static <T> JsonObject of(
            String field, List<T> all, Query query, Function<T, String> id, Function<T, JsonObject> document) {
        int from = query.text("nextToken").map(token -> after(all, id, token)).orElse(0);
        int to = Math.min(all.size(), from + query.number("maxResults").orElse(all.size()));
        JsonArray items = new JsonArray();
        all.subList(from, to).forEach(item -> items.add(document.apply(item)));
        JsonObject page = new JsonObject().put(field, items);
        Optional.of(to)
                .filter(end -> end < all.size() && end > from)
                .ifPresent(end -> page.put("nextToken", id.apply(all.get(end - 1))));
        return page;
    }

    private static <T> int after(List<T> all, Function<T, String> id, String token) {
        for (int i = 0; i < all.size(); i++) {
            if (id.apply(all.get(i)).equals(token)) {
                return i + 1;
            }
        }
        throw new RequestException(
                ErrorCode.INVALID_NEXT_TOKEN,
                "nextToken " + Echo.json(token) + " is unknown: what it pointed at is deleted; begin again");
    }
}
