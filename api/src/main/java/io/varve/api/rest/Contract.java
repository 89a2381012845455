package io.varve.api.rest;

import io.varve.api.access.Role;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.json.pointer.JsonPointer;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.OutputFormat;
import io.vertx.json.schema.SchemaRepository;
import io.vertx.json.schema.Validator;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The OpenAPI document as the server uses it: its operations become routes and its schemas check what comes in. The
 * document is the one place where fields, their types and their bounds are written down.
 */
public final class Contract {
    private static final String RESOURCE = "/openapi.json";
    private static final String SCHEMA_REFERENCE = "#/components/schemas/";
    private static final String BASE_URI = "app://varve";
    private static final List<String> METHODS = List.of("get", "post", "patch", "put", "delete");

    private final String text;
    private final JsonObject document;
    private final List<Operation> operations = new ArrayList<>();
    private final Map<String, Validator> validators = new HashMap<>();

    private Contract(String text) {
        this.text = text;
        document = new JsonObject(text);
        JsonObject paths = document.getJsonObject("paths");
        for (String path : paths.fieldNames()) {
            JsonObject item = paths.getJsonObject(path);
            METHODS.stream()
                    .filter(item::containsKey)
                    .forEach(method -> operations.add(operation(path, method, item.getJsonObject(method))));
        }
    }

    /** Reads the document from the resources. */
    public static Contract load() {
        try (InputStream in = Contract.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + RESOURCE + " is missing");
            }
            return new Contract(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The document as it is written. */
    public String text() {
        return text;
    }

    public List<Operation> operations() {
        return operations;
    }

    /** The object that a reference into the document stands for, or the object itself. */
    private JsonObject resolved(JsonObject object) {
        String reference = object.getString("$ref");
        return reference == null
                ? object
                : (JsonObject) JsonPointer.from(reference.substring(1)).queryJson(document);
    }

    private Operation operation(String path, String method, JsonObject json) {
        JsonArray parameters = json.getJsonArray("parameters", new JsonArray());
        Map<String, JsonObject> query = new HashMap<>();
        for (int i = 0; i < parameters.size(); i++) {
            JsonObject parameter = resolved(parameters.getJsonObject(i));
            if (parameter.getString("in").equals("query")) {
                query.put(parameter.getString("name"), parameter.getJsonObject("schema"));
            }
        }
        Optional<String> bodySchema = Optional.ofNullable(json.getJsonObject("requestBody"))
                .map(body -> body.getJsonObject("content").getJsonObject("application/json"))
                .map(Contract::schemaName);
        return new Operation(
                json.getString("operationId"),
                method.toUpperCase(Locale.ROOT),
                path,
                query,
                bodySchema,
                role(method, json.getString("x-varve-role")));
    }

    /** Looking takes the role read and changing the role operate, where nothing else is written down. */
    private static Optional<Role> role(String method, @Nullable String written) {
        if (written == null) {
            return Optional.of(method.equals("get") ? Role.READ : Role.OPERATE);
        }
        return written.equals("none")
                ? Optional.empty()
                : Optional.of(Role.named(written).orElseThrow());
    }

    private static String schemaName(JsonObject content) {
        return content.getJsonObject("schema").getString("$ref").substring(SCHEMA_REFERENCE.length());
    }

    /** What checks values against one of the document's named schemas. Compiled at its first use. Thread-safe. */
    public Validator validator(String schemaName) {
        synchronized (validators) {
            return validators.computeIfAbsent(
                    schemaName, name -> compile(new JsonObject().put("$ref", SCHEMA_REFERENCE + name)));
        }
    }

    /**
     * Reads a JSON object that one of the document's named schemas allows.
     *
     * @throws io.varve.api.control.RequestException that names the field and its value
     */
    public JsonObject check(String json, String schemaName) {
        return BodyCheck.parse(json, validator(schemaName));
    }

    /** What checks values against a schema that may refer to the document's named ones. */
    Validator compile(JsonObject schema) {
        JsonObject whole =
                schema.copy().put("$defs", document.getJsonObject("components").getJsonObject("schemas"));
        JsonSchemaOptions options = new JsonSchemaOptions()
                .setBaseUri(BASE_URI)
                .setDraft(Draft.DRAFT202012)
                .setOutputFormat(OutputFormat.Basic);
        String standAlone = whole.encode().replace(SCHEMA_REFERENCE, "#/$defs/");
        JsonSchema resolvable = JsonSchema.of(new JsonObject(standAlone));
        return SchemaRepository.create(options).dereference(resolvable).validator(resolvable);
    }

    /**
     * One operation of the document.
     *
     * @param id its operationId
     * @param method in upper case
     * @param path with parameters in braces
     * @param query the schemas of its query parameters
     * @param bodySchema the name of its body's schema; empty if it takes no body
     * @param role what a caller needs; empty if nobody has to say who he is
     */
    public record Operation(
            String id,
            String method,
            String path,
            Map<String, JsonObject> query,
            Optional<String> bodySchema,
            Optional<Role> role) {
        /** The path as Vert.x writes it. */
        String routePath() {
            return path.replaceAll("\\{(\\w+)}", ":$1");
        }
    }
}
