package io.varve.api.rest;

import io.varve.api.control.DiskImageExport;
import io.varve.api.control.DiskImageExports;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.ExportId;
import io.varve.api.diskimage.DiskImageFormat;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;

/** The operations under {@code /v1/exports}. */
final class ExportOperations {
    private static final String PATH = "/v1/exports/";

    private final DiskImageExports exports;

    ExportOperations(DiskImageExports exports) {
        this.exports = exports;
    }

    void addTo(Operations operations) {
        operations.add(
                "createExport",
                call -> exports.create(
                                Requests.snapshotId("snapshotId", call.body().getString("snapshotId")),
                                call.body().getString("file"),
                                DiskImageFormat.parse(call.body().getString("format")))
                        .thenApply(export -> Answer.created(PATH + export.id(), document(export))));
        operations.addPrompt("listExports", call -> {
            JsonArray items = new JsonArray();
            exports.list().forEach(export -> items.add(document(export)));
            return Answer.json(200, new JsonObject().put("exports", items));
        });
        operations.addPrompt("describeExport", call -> Answer.json(200, document(exports.describe(id(call)))));
        operations.add("deleteExport", call -> exports.delete(id(call)).thenApply(gone -> Answer.empty()));
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
