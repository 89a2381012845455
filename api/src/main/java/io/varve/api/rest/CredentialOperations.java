package io.varve.api.rest;

import io.varve.api.access.Credentials;
import io.varve.api.access.Role;
import io.varve.api.control.CredentialEntry;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;

/** The operations under {@code /v1/access-keys} and {@code /v1/tokens}. */
final class CredentialOperations {
    private static final int CREATED = 201;

    private final Credentials credentials;
    private final Executor blocking;

    /** @param blocking what may wait for the disk */
    CredentialOperations(Credentials credentials, Executor blocking) {
        this.credentials = credentials;
        this.blocking = blocking;
    }

    void addTo(Operations operations) {
        operations.addPrompt("listAccessKeys", call -> list("accessKeys", "accessKeyId", Credentials.ACCESS_KEY));
        operations.add(
                "createAccessKey",
                call -> create(call.body(), credentials::createKey, "accessKeyId", "secretAccessKey"));
        operations.add("deleteAccessKey", call -> remove(Credentials.ACCESS_KEY, call.path("accessKeyId")));
        operations.addPrompt("listTokens", call -> list("tokens", "tokenId", Credentials.TOKEN));
        operations.add("createToken", call -> create(call.body(), credentials::createToken, "tokenId", "token"));
        operations.add("deleteToken", call -> remove(Credentials.TOKEN, call.path("tokenId")));
    }

    private Answer list(String field, String idField, String kind) {
        JsonArray all = new JsonArray();
        credentials.list(kind).forEach(entry -> all.add(document(idField, entry)));
        return Answer.json(200, new JsonObject().put(field, all));
    }

    private CompletableFuture<Answer> create(
            JsonObject body,
            BiFunction<Role, Optional<String>, Credentials.Made> making,
            String idField,
            String secretField) {
        Role role = Role.named(body.getString("role")).orElseThrow(); // the contract has let it through
        Optional<String> name = Optional.ofNullable(body.getString("name"));
        return CompletableFuture.supplyAsync(() -> making.apply(role, name), blocking)
                .thenApply(made ->
                        Answer.json(CREATED, document(idField, made.entry()).put(secretField, made.secret())));
    }

    private CompletableFuture<Answer> remove(String kind, String id) {
        return CompletableFuture.supplyAsync(
                () -> {
                    credentials.remove(kind, id);
                    return Answer.empty();
                },
                blocking);
    }

    private static JsonObject document(String idField, CredentialEntry entry) {
        JsonObject json = new JsonObject().put(idField, entry.id());
        entry.name().ifPresent(name -> json.put("name", name));
        return json.put("role", entry.role()).put("createTime", Documents.time(entry.createdAt()));
    }
}
