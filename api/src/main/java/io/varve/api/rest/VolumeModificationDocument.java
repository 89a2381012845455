package io.varve.api.rest;

import io.varve.api.control.VolumeModification;
import io.varve.api.control.VolumeModificationView;
import io.vertx.core.json.JsonObject;

/** Modifications of volumes as the JSON of the contract. */
final class VolumeModificationDocument {
    private VolumeModificationDocument() {}

    static JsonObject of(VolumeModificationView view) {
        VolumeModification modification = view.modification();
        JsonObject json = new JsonObject()
                .put("volumeId", view.volumeId().toString())
                .put("state", modification.state().text())
                .put("progress", modification.progress())
                .put("original", shape(modification.original()))
                .put("target", shape(modification.target()))
                .put("startTime", Documents.time(modification.startedAt()));
        modification.endedAt().ifPresent(end -> json.put("endTime", Documents.time(end)));
        return modification.reason().isEmpty() ? json : json.put("statusMessage", modification.reason());
    }

    private static JsonObject shape(VolumeModification.Shape shape) {
        JsonObject json = new JsonObject()
                .put("sizeGiB", shape.sizeGiB())
                .put("volumeType", shape.limits().volumeType());
        Documents.putFigures(json, shape.limits());
        return shape.multiAttach() ? json.put("multiAttachEnabled", true) : json;
    }
}
