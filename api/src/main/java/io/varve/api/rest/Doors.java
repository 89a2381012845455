package io.varve.api.rest;

import io.varve.api.access.Access;
import io.varve.api.access.Caller;
import io.varve.api.access.Role;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Who sends a request of the native API, whether he may, and the note of what he changed. On the server's loop. */
final class Doors {
    private static final String CALLER = "varve.caller";

    private final Access access;
    private final Contract contract;

    Doors(Access access, Contract contract) {
        this.access = access;
        this.contract = contract;
    }

    /** Finds out who it is, before the body is read. Fails with AUTH_FAILURE. */
    void authenticate(RoutingContext context) {
        String path = context.request().path();
        boolean free = contract.operations().stream()
                .anyMatch(operation ->
                        operation.path().equals(path) && operation.role().isEmpty());
        if (!free) {
            Optional<String> authorization =
                    Optional.ofNullable(context.request().getHeader("Authorization"));
            context.put(CALLER, access.credentials().authenticate(authorization));
        }
    }

    /** Fails with UNAUTHORIZED_OPERATION if the caller's role is not enough. */
    void requireRole(RoutingContext context, Contract.Operation operation) {
        operation.role().ifPresent(needed -> requireRole(caller(context), operation, needed));
    }

    private static void requireRole(Caller caller, Contract.Operation operation, Role needed) {
        if (!caller.role().suffices(needed)) {
            throw new RequestException(
                    ErrorCode.UNAUTHORIZED_OPERATION,
                    "%s needs the role %s; %s has %s"
                            .formatted(
                                    operation.id(),
                                    needed.text(),
                                    caller.id(),
                                    caller.role().text()));
        }
    }

    private static Caller caller(RoutingContext context) {
        return context.get(CALLER);
    }

    /** The answer of an operation, which is complete only when the audit log has it, if it changes something. */
    CompletableFuture<Answer> noted(
            RoutingContext context,
            Contract.Operation operation,
            CompletableFuture<Answer> answer,
            Function<Throwable, Integer> status) {
        if (operation.method().equals("GET")) {
            return answer;
        }
        List<String> named = List.copyOf(context.pathParams().values());
        Caller caller = caller(context);
        return answer.handle((value, failure) -> failure == null
                        ? access.audit().note(caller, "rest", operation.id(), resources(named, value), value.status())
                        : access.audit().note(caller, "rest", operation.id(), named, status.apply(failure)))
                .thenCompose(note -> note)
                .thenCompose(written -> answer);
    }

    /** What the path names, else what the answer does. */
    private static List<String> resources(List<String> named, Answer answer) {
        if (!named.isEmpty() || answer.body().isEmpty()) {
            return named;
        }
        JsonObject body = new JsonObject(answer.body());
        Optional<String> one = id(body);
        if (one.isPresent()) {
            return List.of(one.get());
        }
        return body.stream()
                .filter(field -> field.getValue() instanceof JsonArray)
                .flatMap(field -> ((JsonArray) field.getValue()).stream())
                .filter(JsonObject.class::isInstance)
                .flatMap(item -> id((JsonObject) item).stream())
                .toList();
    }

    /** The first field that is an id: documents begin with their own. */
    private static Optional<String> id(JsonObject document) {
        return document.stream()
                .filter(field -> field.getKey().endsWith("Id") && field.getValue() instanceof String)
                .map(field -> (String) field.getValue())
                .findFirst();
    }
}
