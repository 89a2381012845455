package io.varve.api.control;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;

/** How a volume's modifications stand in its row of {@link Schema}: an array of JSON objects. */
final class VolumeModificationColumn {
    private VolumeModificationColumn() {}

    static String text(List<VolumeModification> modifications) {
        return new JsonArray(modifications.stream()
                        .map(VolumeModificationColumn::json)
                        .toList())
                .encode();
    }

    static List<VolumeModification> read(String text) {
        return new JsonArray(text)
                .stream()
                        .map(JsonObject.class::cast)
                        .map(VolumeModificationColumn::modification)
                        .toList();
    }

    private static JsonObject json(VolumeModification modification) {
        return new JsonObject()
                .put("number", modification.number())
                .put("state", modification.state())
                .put("original", json(modification.original()))
                .put("target", json(modification.target()))
                .put("startedAt", modification.startedAt())
                .put("endedAt", modification.endedAt().orElse(null))
                .put("reason", modification.reason());
    }

    private static VolumeModification modification(JsonObject json) {
        return new VolumeModification(
                json.getLong("number"),
                VolumeModification.State.valueOf(json.getString("state")),
                shape(json.getJsonObject("original")),
                shape(json.getJsonObject("target")),
                json.getInstant("startedAt"),
                Optional.ofNullable(json.getInstant("endedAt")),
                json.getString("reason"));
    }

    private static JsonObject json(VolumeModification.Shape shape) {
        return new JsonObject()
                .put("sizeGiB", shape.sizeGiB())
                .put("volumeType", shape.limits().volumeType())
                .put("iops", shape.limits().iops())
                .put("throughputMiBps", shape.limits().throughputMiBps())
                .put("multiAttach", shape.multiAttach());
    }

    private static VolumeModification.Shape shape(JsonObject json) {
        return new VolumeModification.Shape(
                json.getInteger("sizeGiB"),
                new VolumeLimits(
                        json.getString("volumeType"), json.getInteger("iops"), json.getInteger("throughputMiBps")),
                json.getBoolean("multiAttach", false)); // rows of earlier versions have none
    }
}
