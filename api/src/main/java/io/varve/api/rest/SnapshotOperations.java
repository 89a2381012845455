package io.varve.api.rest;

import io.varve.api.control.Connections;
import io.varve.api.control.SnapshotView;
import io.varve.api.control.Snapshots;

/** The operations under {@code /v1/snapshots} and {@code /v1/snapshot-groups}. */
final class SnapshotOperations {
    private static final String PATH = "/v1/snapshots/";

    private final Snapshots snapshots;
    private final Documents documents;

    SnapshotOperations(Snapshots snapshots, Documents documents) {
        this.snapshots = snapshots;
        this.documents = documents;
    }

    void addTo(Operations operations, Connections connections) {
        operations.add(
                "createSnapshot",
                call -> (Requests.isCopy(call.body())
                                ? snapshots.copy(Requests.copySnapshot(call.body()))
                                : snapshots.create(Requests.createSnapshot(call.body())))
                        .thenApply(this::created));
        operations.add(
                "createSnapshotGroup",
                call -> snapshots
                        .createGroup(Requests.createSnapshotGroup(call.body()))
                        .thenApply(taken -> Answer.json(201, documents.snapshots(taken))));
        operations.addPrompt(
                "listSnapshots",
                call -> Answer.json(200, Call.page("snapshots", snapshots.list(call.list()), documents::snapshot)));
        operations.addPrompt("describeSnapshot", call -> described(snapshots.describe(call.snapshotId())));
        operations.add(
                "changeSnapshot",
                call -> snapshots
                        .change(call.snapshotId(), Requests.changeSnapshot(call.body()), call.precondition())
                        .thenApply(this::described));
        operations.add(
                "deleteSnapshot",
                call -> snapshots
                        .delete(call.snapshotId(), call.force(), call.precondition(), connections)
                        .thenApply(deleted -> Answer.empty()));
    }

    void addLocksAndBinTo(Operations operations) {
        operations.add(
                "lockSnapshot",
                call -> snapshots
                        .lock(call.snapshotId(), Requests.lockSnapshot(call.body()), call.precondition())
                        .thenApply(this::described));
        operations.add(
                "unlockSnapshot",
                call -> snapshots.unlock(call.snapshotId(), call.precondition()).thenApply(this::described));
        operations.addPrompt(
                "listRecycledSnapshots",
                call -> Answer.json(
                        200, Call.page("snapshots", snapshots.listRecycled(call.list()), documents::snapshot)));
        operations.add(
                "restoreSnapshot", call -> snapshots.restore(call.snapshotId()).thenApply(this::described));
        operations.add(
                "purgeSnapshot", call -> snapshots.purge(call.snapshotId()).thenApply(gone -> Answer.empty()));
    }

    private Answer created(SnapshotView snapshot) {
        return Answer.created(snapshot.etag(), PATH + snapshot.record().id(), documents.snapshot(snapshot));
    }

    private Answer described(SnapshotView snapshot) {
        return Answer.tagged(snapshot.etag(), documents.snapshot(snapshot));
    }
}
