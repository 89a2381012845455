package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.Filter;
import io.varve.api.control.ListRequest;
import io.varve.api.control.Precondition;
import io.varve.api.control.RequestException;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One request of an operation, checked against the contract. */
record Call(RoutingContext context, JsonObject body, Query query) {
    private static final Pattern ENTITY_TAG = Pattern.compile("\\G\\s*(?:\"([!#-~]*)\"|(\\*))\\s*(?:,|$)");

    String path(String parameter) {
        return context.pathParam(parameter);
    }

    VolumeId volumeId() {
        return Requests.volumeId("volumeId", path("volumeId"));
    }

    SnapshotId snapshotId() {
        return Requests.snapshotId("snapshotId", path("snapshotId"));
    }

    boolean force() {
        return query.flag("force");
    }

    Preferences preferences() {
        return Preferences.of(context.request().headers().getAll(Preferences.HEADER));
    }

    /** What If-Match asks for. A weak tag matches nothing, as RFC 9110 wants it. */
    Precondition precondition() {
        List<String> headers = context.request().headers().getAll("If-Match");
        if (headers.isEmpty()) {
            return Precondition.NONE;
        }
        String all = String.join(",", headers);
        List<String> etags = new ArrayList<>();
        Matcher matcher = ENTITY_TAG.matcher(all);
        int end = 0;
        while (matcher.find()) {
            etags.add(matcher.group(1) != null ? matcher.group(1) : matcher.group(2));
            end = matcher.end();
        }
        if (end < all.length() && !all.contains("W/")) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "If-Match %s is refused: expected an ETag in quotes as it was answered, or *"
                            .formatted(Echo.json(all)));
        }
        return new Precondition(Optional.of(etags));
    }

    /** Which part of a list is wanted. */
    ListRequest list() {
        Map<String, List<String>> filters = new LinkedHashMap<>();
        for (String text : query.all("filter")) {
            int equals = nameLength(text);
            filters.computeIfAbsent(unescaped(text.substring(0, equals)), name -> new ArrayList<>())
                    .add(text.substring(equals + 1));
        }
        return new ListRequest(
                filters.entrySet().stream()
                        .map(filter -> new Filter(filter.getKey(), filter.getValue()))
                        .toList(),
                query.number("maxResults").orElse(ListRequest.MOST),
                query.text("nextToken"));
    }

    /** Where the name ends: a tag's key may hold an equals sign behind a backslash. */
    private static int nameLength(String filter) {
        for (int i = 0; i < filter.length(); i++) {
            char c = filter.charAt(i);
            if (c == '\\') {
                i++;
            } else if (c == '=') {
                return i;
            }
        }
        throw new RequestException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                "filter %s is refused: expected name=value, such as status=available or tag:team=red"
                        .formatted(Echo.json(filter)));
    }

    private static String unescaped(String name) {
        return name.replaceAll("\\\\(.)", "$1");
    }

    /** A page of a list as JSON. */
    static <T> JsonObject page(String field, ListRequest.Page<T> page, Function<T, JsonObject> document) {
        JsonArray items = new JsonArray();
        page.items().forEach(item -> items.add(document.apply(item)));
        JsonObject json = new JsonObject().put(field, items);
        page.next().ifPresent(token -> json.put("nextToken", token));
        return json;
    }
}
