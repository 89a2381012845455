package io.varve.api.rest;

import io.varve.engine.VolumeType;
import io.varve.engine.VolumeType.Choice;
import io.varve.engine.VolumeTypes;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** Volume types as the JSON of the contract. */
final class VolumeTypeDocument {
    private VolumeTypeDocument() {}

    static JsonObject all(VolumeTypes types) {
        JsonArray all = new JsonArray();
        types.all().forEach(type -> all.add(of(type)));
        return new JsonObject().put("volumeTypes", all);
    }

    private static JsonObject of(VolumeType type) {
        JsonObject json = new JsonObject().put("volumeType", type.name()).put("sizeGiB", range(type.sizeGiB()));
        type.iops().ifPresent(choice -> json.put("iops", choice(choice)));
        type.throughputMiBps().ifPresent(choice -> json.put("throughputMiBps", choice(choice)));
        return type.iopsPerMiBps() == 0 ? json : json.put("iopsPerMiBps", type.iopsPerMiBps());
    }

    private static JsonObject choice(Choice choice) {
        JsonObject json = range(choice.range());
        choice.initial().ifPresent(initial -> {
            if (initial == VolumeType.UNLIMITED) {
                json.put("default", "unlimited");
            } else {
                json.put("default", initial);
            }
        });
        return choice.perGiB() == 0 ? json : json.put("perGiB", choice.perGiB());
    }

    private static JsonObject range(VolumeType.Range range) {
        return new JsonObject().put("minimum", range.least()).put("maximum", range.most());
    }
}
