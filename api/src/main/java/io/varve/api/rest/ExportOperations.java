package io.varve.api.rest;

import io.varve.api.control.DiskImageExport;
import io.varve.api.control.DiskImageExports;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.ExportId;
import io.varve.api.diskimage.DiskImageFormat;
import io.vertx.core.json.JsonObject;
import java.util.function.Function;

/** The operations under {@code /v1/exports}. */
final class ExportOperations {
    private static final String PATH = "/v1/exports/";

    private final DiskImageExports exports;
    private final Waits waits;

    ExportOperations(DiskImageExports exports, Waits waits) {
        this.exports = exports;
        this.waits = waits;
    }

    void addTo(Operations operations) {
        operations.add("createExport", call -> {
            Preferences preferred = call.preferences();
            return exports.create(
                            Requests.snapshotId("snapshotId", call.body().getString("snapshotId")),
                            call.body().getString("file"),
                            DiskImageFormat.parse(call.body().getString("format")))
                    .thenCompose(begun -> waits.until(
                            preferred,
                            begun.id(),
                            () -> stage(begun.id(), json -> Answer.created(PATH + begun.id(), json))));
        });
        operations.addPrompt(
                "listExports",
                call -> Answer.json(200, Call.page("exports", exports.list(call.list()), this::document)));
        operations.add("describeExport", call -> {
            ExportId id = id(call);
            return waits.until(call.preferences(), id, () -> stage(id, json -> Answer.json(200, json)));
        });
        operations.add("deleteExport", call -> exports.delete(id(call)).thenApply(gone -> Answer.empty()));
    }

    private Waits.Stage stage(ExportId id, Function<JsonObject, Answer> answer) {
        DiskImageExport export = exports.describe(id);
        return new Waits.Stage(export.ended(), answer.apply(document(export)));
    }

    private JsonObject document(DiskImageExport export) {
        return Documents.export(export, exports.percent(export));
    }

    private static ExportId id(Call call) {
        String text = call.path("exportId");
        try {
            return new ExportId(text);
        } catch (IllegalArgumentException e) {
            throw Requests.malformed(ErrorCode.INVALID_PARAMETER_VALUE, "exportId", text, "an export", ExportId.PREFIX);
        }
    }
}
