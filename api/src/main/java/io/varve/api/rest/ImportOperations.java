package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.ImportEntry;
import io.varve.api.control.ImportId;
import io.varve.api.control.Imports;
import io.vertx.core.json.JsonObject;
import java.util.function.Function;

/** The operations under {@code /v1/imports}, but for the bytes themselves. */
final class ImportOperations {
    private static final String PATH = "/v1/imports/";

    private final Imports imports;
    private final Waits waits;

    ImportOperations(Imports imports, Waits waits) {
        this.imports = imports;
        this.waits = waits;
    }

    void addTo(Operations operations) {
        operations.add("createImport", call -> {
            Preferences preferred = call.preferences();
            return imports.create(new Imports.Request(
                            Requests.label(call.body()),
                            call.body().getString("description", ""),
                            Requests.diskImage(call.body()),
                            Requests.clientToken(call.body())))
                    .thenCompose(begun -> waits.until(
                            preferred,
                            begun.id(),
                            () -> stage(
                                    begun.id(),
                                    entry -> Answer.created(entry.etag(), PATH + entry.id(), document(entry)))));
        });
        operations.addPrompt(
                "listImports",
                call -> Answer.json(200, Call.page("imports", imports.list(call.list()), this::document)));
        operations.add("describeImport", call -> {
            ImportId id = id(call);
            return waits.until(call.preferences(), id, () -> stage(id, entry -> Answer.json(200, document(entry))));
        });
        operations.add("deleteImport", call -> imports.delete(id(call)).thenApply(gone -> Answer.empty()));
    }

    private Waits.Stage stage(ImportId id, Function<ImportEntry, Answer> answer) {
        ImportEntry entry = imports.describe(id);
        return new Waits.Stage(!entry.state().equals("converting"), answer.apply(entry));
    }

    private JsonObject document(ImportEntry entry) {
        JsonObject json = Documents.importEntry(entry);
        return entry.image().isEmpty() ? json : json.put("progressPercent", imports.percent(entry));
    }

    private static ImportId id(Call call) {
        return id(call.path("importId"));
    }

    static ImportId id(String text) {
        try {
            return new ImportId(text);
        } catch (IllegalArgumentException e) {
            throw Requests.malformed(ErrorCode.INVALID_PARAMETER_VALUE, "importId", text, "an import", ImportId.PREFIX);
        }
    }
}
