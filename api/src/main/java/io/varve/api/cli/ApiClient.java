package io.varve.api.cli;

import io.varve.api.ExitCode;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;

/** A running server's REST API, as the commands use it. */
final class ApiClient {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final int FIRST_ERROR = 400;

    private final URI base;
    private final Optional<String> token;
    private final HttpClient http;

    /** @param tls what https is spoken with; empty to do as Java does of itself */
    ApiClient(String base, Optional<String> token, Optional<SSLContext> tls) {
        this.token = token;
        HttpClient.Builder builder =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT_TIMEOUT);
        tls.ifPresent(builder::sslContext);
        http = builder.build();
        try {
            this.base = URI.create(base.endsWith("/") ? base : base + "/");
            if (this.base.getHost() == null || !Set.of("http", "https").contains(this.base.getScheme())) {
                throw new IllegalArgumentException("no host, or neither http nor https");
            }
        } catch (IllegalArgumentException e) {
            throw new CommandException(
                    ExitCode.USAGE, "--api " + base + " is not a URL such as http://127.0.0.1:7080", e);
        }
    }

    JsonObject get(String path) {
        return get(path, 0);
    }

    /** Waits so many seconds, or as many as the server allows, for what is under way with it. */
    JsonObject get(String path, int waitSeconds) {
        return send(preferring(path, waitSeconds).GET().build());
    }

    /** A whole list, page by page, as one. */
    JsonObject list(String path, String field, List<String> filters) {
        String query = filters.stream()
                .map(filter -> "filter=" + Fields.segment(filter))
                .collect(Collectors.joining("&"));
        JsonArray all = new JsonArray();
        Optional<String> next = Optional.of("");
        while (next.isPresent()) {
            String token = next.get().isEmpty() ? "" : "&nextToken=" + Fields.segment(next.get());
            JsonObject page = get(path + "?" + query + token);
            all.addAll(page.getJsonArray(field));
            next = Optional.ofNullable(page.getString("nextToken"));
        }
        return new JsonObject().put(field, all);
    }

    JsonObject post(String path, JsonObject body) {
        return send("POST", path, body);
    }

    JsonObject patch(String path, JsonObject body) {
        return send("PATCH", path, body);
    }

    JsonObject put(String path, JsonObject body) {
        return send("PUT", path, body);
    }

    JsonObject delete(String path) {
        return send(request(path).DELETE().build());
    }

    /** Deletes what takes time, and waits so many seconds for that, or as many as the server allows. */
    JsonObject delete(String path, int waitSeconds) {
        return send(preferring(path, waitSeconds).DELETE().build());
    }

    /** The bytes of an answer, as they come. */
    InputStream stream(String path) {
        try {
            HttpRequest request = untimed(path).build();
            HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
            if (response.statusCode() >= FIRST_ERROR) {
                String body = new String(response.body().readAllBytes(), StandardCharsets.UTF_8);
                throw refused(new JsonObject(body), response.statusCode());
            }
            return response.body();
        } catch (IOException e) {
            throw unreachable(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable("interrupted", e);
        }
    }

    /** Sends bytes that go on at an offset of what is there. */
    JsonObject upload(String path, long offset, Supplier<InputStream> bytes) {
        return send(untimed(path)
                .header("Content-Type", "application/octet-stream")
                .header("Upload-Offset", String.valueOf(offset))
                .method("PATCH", HttpRequest.BodyPublishers.ofInputStream(bytes))
                .build());
    }

    /** The id of the volume that an id or a name stands for. */
    String volumeId(String idOrName) {
        return idOrName.startsWith("vol-") || idOrName.startsWith("snap-")
                ? idOrName
                : idOfName("volume", "volumes", idOrName);
    }

    /** The id of the snapshot that an id or a name stands for. */
    String snapshotId(String idOrName) {
        return idOrName.startsWith("vol-") || idOrName.startsWith("snap-")
                ? idOrName
                : idOfName("snapshot", "snapshots", idOrName);
    }

    /** The id of the image that an id or a name stands for. */
    String imageId(String idOrName) {
        return idOrName.startsWith("ami-") ? idOrName : idOfName("image", "images", idOrName);
    }

    private String idOfName(String kind, String collection, String name) {
        String literally = "name=" + name.replaceAll("[*?\\\\]", "\\\\$0");
        List<String> ids = Rows.list(list("v1/" + collection, collection, List.of(literally)), collection).stream()
                .map(object -> object.getString(kind + "Id"))
                .toList();
        if (ids.size() != 1) {
            throw new CommandException(
                    ExitCode.REFUSED,
                    ids.isEmpty()
                            ? "there is no " + kind + " named " + name
                            : "more than one " + kind + " is named " + name + ": " + String.join(", ", ids));
        }
        return ids.get(0);
    }

    private HttpRequest.Builder request(String path) {
        return untimed(path).timeout(TIMEOUT).header("Accept", "application/json");
    }

    private HttpRequest.Builder preferring(String path, int waitSeconds) {
        return request(path).header("Prefer", "wait=" + waitSeconds);
    }

    private HttpRequest.Builder untimed(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path));
        token.ifPresent(text -> request.header("Authorization", "Bearer " + text));
        return request;
    }

    private JsonObject send(String method, String path, JsonObject body) {
        return send(request(path)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body.encode()))
                .build());
    }

    private JsonObject send(HttpRequest request) {
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            JsonObject body = response.body().isEmpty() ? new JsonObject() : new JsonObject(response.body());
            if (response.statusCode() >= FIRST_ERROR) {
                throw refused(body, response.statusCode());
            }
            return body;
        } catch (IOException e) {
            throw unreachable(e);
        } catch (DecodeException e) {
            throw unreachable("it does not answer as Varve does", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unreachable("interrupted", e);
        }
    }

    private static CommandException refused(JsonObject problem, int status) {
        return new CommandException(
                ExitCode.REFUSED,
                problem.getString("detail", "status " + status) + " (" + problem.getString("code", "no code") + ")");
    }

    private CommandException unreachable(IOException failure) {
        if (failure instanceof SSLException) {
            return new CommandException(
                    ExitCode.UNREACHABLE,
                    "no trust between here and %s: %s; --api-ca names the authority of its certificate, --api-cert and --api-key what to show it"
                            .formatted(base, failure.getMessage()),
                    failure);
        }
        return unreachable(Optional.ofNullable(failure.getMessage()).orElse("connection refused"), failure);
    }

    private CommandException unreachable(String why, Exception cause) {
        return new CommandException(
                ExitCode.UNREACHABLE,
                "cannot reach a server at " + base + ": " + why + "; is varve serve running?",
                cause);
    }
}
