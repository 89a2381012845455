package io.varve.api.rest;

import io.varve.api.control.Connections;
import io.varve.api.control.ControlPlane;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** What each operation of the contract does. Runs on the server's loop and waits for nothing there. */
final class Operations {
    private final ControlPlane control;
    private final Connections connections;
    private final Documents documents;
    private final Map<String, Handler> handlers = new HashMap<>();

    Operations(ControlPlane control, Connections connections, Documents documents) {
        this.control = control;
        this.connections = connections;
        this.documents = documents;
        volumeOperations();
        snapshotOperations();
        storeOperations();
    }

    /** Adds what is neither about volumes nor about snapshots. */
    void add(String operationId, Supplier<Answer> handler) {
        handlers.put(operationId, call -> CompletableFuture.completedFuture(handler.get()));
    }

    /** Does what the contract calls {@code operationId}. */
    CompletableFuture<Answer> run(String operationId, Call call) {
        Handler handler = handlers.get(operationId);
        if (handler == null) {
            throw new IllegalStateException("the contract has an operation that nothing does: " + operationId);
        }
        return handler.run(call);
    }

    private void volumeOperations() {
        handlers.put(
                "createVolume",
                call -> control.volumes()
                        .create(Requests.createVolume(call.body()))
                        .thenApply(volume -> Answer.json(201, documents.volume(volume))));
        handlers.put(
                "listVolumes",
                call -> now(Page.of(
                        "volumes",
                        control.volumes().list(),
                        call.query(),
                        volume -> volume.record().id().toString(),
                        documents::volume)));
        handlers.put(
                "describeVolume",
                call -> now(documents.volume(
                        control.volumes().describe(Requests.volumeId("volumeId", call.path("volumeId"))))));
        handlers.put(
                "changeVolume",
                call -> control.volumes()
                        .change(
                                Requests.volumeId("volumeId", call.path("volumeId")),
                                Requests.changeVolume(call.body()))
                        .thenApply(volume -> Answer.json(200, documents.volume(volume))));
        handlers.put(
                "deleteVolume",
                call -> control.volumes()
                        .delete(
                                Requests.volumeId("volumeId", call.path("volumeId")),
                                call.query().flag("force"),
                                connections)
                        .thenApply(deleted -> Answer.empty()));
    }

    private void storeOperations() {
        handlers.put("describeStore", call -> now(documents.store(control.usage(), control.scrub())));
    }

    private void snapshotOperations() {
        handlers.put(
                "createSnapshot",
                call -> control.snapshots()
                        .create(Requests.createSnapshot(call.body()))
                        .thenApply(snapshot -> Answer.json(201, documents.snapshot(snapshot))));
        handlers.put(
                "createSnapshotGroup",
                call -> control.snapshots()
                        .createGroup(Requests.createSnapshotGroup(call.body()))
                        .thenApply(snapshots -> Answer.json(201, documents.snapshots(snapshots))));
        handlers.put(
                "listSnapshots",
                call -> now(Page.of(
                        "snapshots",
                        control.snapshots().list(),
                        call.query(),
                        snapshot -> snapshot.record().id().toString(),
                        documents::snapshot)));
        handlers.put(
                "describeSnapshot",
                call -> now(documents.snapshot(
                        control.snapshots().describe(Requests.snapshotId("snapshotId", call.path("snapshotId"))))));
        handlers.put(
                "deleteSnapshot",
                call -> control.snapshots()
                        .delete(
                                Requests.snapshotId("snapshotId", call.path("snapshotId")),
                                call.query().flag("force"),
                                connections)
                        .thenApply(deleted -> Answer.empty()));
    }

    private static CompletableFuture<Answer> now(JsonObject body) {
        return CompletableFuture.completedFuture(Answer.json(200, body));
    }

    /** What an operation is given. */
    record Call(RoutingContext context, JsonObject body, Query query) {
        String path(String parameter) {
            return context.pathParam(parameter);
        }
    }

    private interface Handler {
        CompletableFuture<Answer> run(Call call);
    }
}
