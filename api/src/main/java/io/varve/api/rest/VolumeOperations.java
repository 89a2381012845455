package io.varve.api.rest;

import io.varve.api.control.Connections;
import io.varve.api.control.ListRequest;
import io.varve.api.control.VolumeModificationView;
import io.varve.api.control.VolumeView;
import io.varve.api.control.Volumes;

/** The operations under {@code /v1/volumes}. */
final class VolumeOperations {
    private static final String PATH = "/v1/volumes/";

    private final Volumes volumes;
    private final Documents documents;

    VolumeOperations(Volumes volumes, Documents documents) {
        this.volumes = volumes;
        this.documents = documents;
    }

    void addTo(Operations operations, Connections connections) {
        operations.add(
                "createVolume",
                call -> volumes.create(Requests.createVolume(call.body())).thenApply(this::created));
        operations.addPrompt(
                "listVolumes",
                call -> Answer.json(200, Call.page("volumes", volumes.list(call.list()), documents::volume)));
        operations.addPrompt("listVolumeTypes", call -> Answer.json(200, VolumeTypeDocument.all(volumes.types())));
        operations.addPrompt("describeVolume", call -> described(volumes.describe(call.volumeId())));
        operations.add(
                "changeVolume",
                call -> volumes.change(call.volumeId(), Requests.changeVolume(call.body()), call.precondition())
                        .thenApply(this::described));
        operations.addPrompt(
                "listVolumeModifications", call -> modifications(volumes.modifications(call.volumeId(), call.list())));
        operations.addPrompt("listModifications", call -> modifications(volumes.modifications(call.list())));
        operations.add(
                "deleteVolume",
                call -> volumes.delete(call.volumeId(), call.force(), call.precondition(), connections)
                        .thenApply(deleted -> Answer.empty()));
    }

    void addBinTo(Operations operations) {
        operations.addPrompt(
                "listRecycledVolumes",
                call -> Answer.json(200, Call.page("volumes", volumes.listRecycled(call.list()), documents::volume)));
        operations.add("restoreVolume", call -> volumes.restore(call.volumeId()).thenApply(this::described));
        operations.add("purgeVolume", call -> volumes.purge(call.volumeId()).thenApply(gone -> Answer.empty()));
    }

    private static Answer modifications(ListRequest.Page<VolumeModificationView> page) {
        return Answer.json(200, Call.page("modifications", page, VolumeModificationDocument::of));
    }

    private Answer created(VolumeView volume) {
        return Answer.created(volume.etag(), PATH + volume.record().id(), documents.volume(volume));
    }

    private Answer described(VolumeView volume) {
        return Answer.tagged(volume.etag(), documents.volume(volume));
    }
}
