package io.varve.api.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import io.vertx.core.json.pointer.JsonPointer;
import io.vertx.json.schema.OutputUnit;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;

/** A client of the running server that holds every answer against the OpenAPI document. */
public final class Probe {
    private final HttpClient http;
    private final Contract contract = Contract.load();
    private final JsonObject document = new JsonObject(contract.text());
    private final String base;

    public Probe(String base) {
        this(base, HttpClient.newHttpClient());
    }

    /** @param http what requests are sent with */
    public Probe(String base, HttpClient http) {
        this.base = base;
        this.http = http;
    }

    /** An answer that agrees with the contract. */
    public record Reply(int status, JsonObject body, HttpResponse<String> response) {
        public String code() {
            return body.getString("code", "no code");
        }

        public String detail() {
            return body.getString("detail", "no detail");
        }

        public String etag() {
            return response.headers().firstValue("ETag").orElseThrow();
        }
    }

    /** Where the API is. */
    public String uri() {
        return base;
    }

    public Reply get(String path) {
        return send(request(path).GET());
    }

    public Reply delete(String path) {
        return send(request(path).DELETE());
    }

    public Reply post(String path, String body) {
        return send(json(path).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    public Reply post(String path, JsonObject body) {
        return post(path, body.encode());
    }

    public Reply patch(String path, JsonObject body) {
        return send(json(path).method("PATCH", HttpRequest.BodyPublishers.ofString(body.encode())));
    }

    /** A change that is made only if the object has this ETag. */
    public Reply ifMatch(String method, String path, String etag, String body) {
        return send(json(path).header("If-Match", etag).method(method, HttpRequest.BodyPublishers.ofString(body)));
    }

    public HttpRequest.Builder json(String path) {
        return request(path).header("Content-Type", "application/json");
    }

    public HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + path));
    }

    public Reply send(HttpRequest.Builder builder) {
        HttpRequest request = builder.build();
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            return checked(request, response);
        } catch (IOException e) {
            throw new AssertionError("no answer from " + request.uri(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private Reply checked(HttpRequest request, HttpResponse<String> response) {
        String type = response.headers().firstValue("Content-Type").orElse("");
        boolean isJson = type.equals("application/json") || type.equals("application/problem+json");
        JsonObject body = isJson ? new JsonObject(response.body()) : new JsonObject();
        if (response.statusCode() >= 400 && response.statusCode() != 503) {
            agree("Problem", body, request);
            assertThat(type).isEqualTo("application/problem+json");
            assertThat(body.getInteger("status")).isEqualTo(response.statusCode());
        } else {
            agreeWithOperation(request, response, type, body);
        }
        return new Reply(response.statusCode(), body, response);
    }

    private void agreeWithOperation(HttpRequest request, HttpResponse<String> response, String type, JsonObject body) {
        String path = request.uri().getPath();
        Contract.Operation operation = contract.operations().stream()
                .filter(candidate -> candidate.method().equals(request.method())
                        && path.matches(candidate.path().replaceAll("\\{\\w+}", "[^/]+")))
                .findFirst()
                .orElseThrow(() -> new AssertionError("the contract has no " + request.method() + " " + path));
        JsonObject declared = document.getJsonObject("paths")
                .getJsonObject(operation.path())
                .getJsonObject(request.method().toLowerCase(java.util.Locale.ROOT))
                .getJsonObject("responses")
                .getJsonObject(String.valueOf(response.statusCode()));
        if (declared != null && declared.containsKey("$ref")) {
            declared = (JsonObject)
                    JsonPointer.from(declared.getString("$ref").substring(1)).queryJson(document);
        }
        assertThat(declared)
                .as("the contract's answer " + response.statusCode() + " of " + operation.id())
                .isNotNull();
        JsonObject content = declared.getJsonObject("content");
        if (content == null) {
            assertThat(response.body()).isEmpty();
            return;
        }
        JsonObject media = content.getJsonObject(type.split(";", 2)[0]);
        assertThat(media)
                .as("the contract's content type " + type + " of " + operation.id())
                .isNotNull();
        String reference = media.getJsonObject("schema").getString("$ref");
        if (reference != null) {
            agree(reference.substring(reference.lastIndexOf('/') + 1), body, request);
        }
    }

    private void agree(String schema, JsonObject body, HttpRequest request) {
        OutputUnit verdict = contract.validator(schema).validate(body);
        assertThat(verdict.getValid())
                .as(
                        "%s %s answered %s, which is no %s: %s",
                        request.method(),
                        request.uri(),
                        body,
                        schema,
                        verdict.getErrors() == null
                                ? ""
                                : Arrays.toString(verdict.getErrors().stream()
                                        .map(OutputUnit::toJson)
                                        .toArray()))
                .isTrue();
    }
}
