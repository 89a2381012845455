package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import io.vertx.core.json.pointer.JsonPointer;
import io.vertx.json.schema.OutputUnit;
import io.vertx.json.schema.Validator;
import java.util.List;
import java.util.Set;

/** Reads a body and refuses what the contract does not allow, naming the field and the value. */
final class BodyCheck {
    /** Keywords whose failure only says that something inside failed. */
    private static final Set<String> OUTER = Set.of("$ref", "properties", "propertyNames", "items");

    private static final String UNKNOWN_FIELD = "additionalProperties";

    private BodyCheck() {}

    static JsonObject parse(String body, Validator validator) {
        JsonObject json = parse(body);
        OutputUnit verdict = validator.validate(json);
        if (!Boolean.TRUE.equals(verdict.getValid())) {
            throw refusal(json, verdict.getErrors());
        }
        return json;
    }

    private static JsonObject parse(String body) {
        try {
            return new JsonObject(body);
        } catch (DecodeException e) {
            throw new RequestException(
                    ErrorCode.VALIDATION_ERROR,
                    "the body is not a JSON object: " + Echo.shorten(String.valueOf(e.getMessage())));
        } catch (ClassCastException e) {
            throw new RequestException(ErrorCode.VALIDATION_ERROR, "the body is not a JSON object");
        }
    }

    private static RequestException refusal(JsonObject json, List<OutputUnit> errors) {
        OutputUnit unknown = errors.get(0);
        for (OutputUnit error : errors) {
            String keyword = keyword(error);
            if (keyword.equals(UNKNOWN_FIELD)) {
                unknown = deeper(unknown, error); // those around it fail with it
            } else if (!OUTER.contains(keyword)) {
                return refusal(json, error, keyword);
            }
        }
        String field = field(unknown);
        return new RequestException(
                ErrorCode.UNKNOWN_PARAMETER,
                "there is no field " + Echo.shorten(field) + " here; it has the value " + value(json, unknown));
    }

    private static OutputUnit deeper(OutputUnit one, OutputUnit other) {
        boolean isOneUnknown = keyword(one).equals(UNKNOWN_FIELD);
        return isOneUnknown && field(one).length() > field(other).length() ? one : other;
    }

    private static RequestException refusal(JsonObject json, OutputUnit error, String keyword) {
        String field = field(error);
        return switch (keyword) {
            case "required" -> new RequestException(ErrorCode.MISSING_PARAMETER, error.getError());
            case "minProperties" -> new RequestException(ErrorCode.MISSING_PARAMETER, "the body has no field");
            default ->
                new RequestException(
                        code(field, keyword),
                        "%s %s is refused: %s"
                                .formatted(
                                        Echo.shorten(field),
                                        value(json, error),
                                        reason(field, keyword, error.getError())));
        };
    }

    /** The validator tells of a bound by how a comparison with it came out: "-1 is less than 1". */
    private static String reason(String field, String keyword, String error) {
        return switch (keyword) {
            case "minimum", "maximum" -> "the " + keyword + " is " + error.substring(error.lastIndexOf(' ') + 1);
            case "const" -> field.equals("encrypted") ? "encryption is not offered yet" : error;
            default -> error;
        };
    }

    private static ErrorCode code(String field, String keyword) {
        return switch (field + " " + keyword) {
            case "volumeType enum" -> ErrorCode.UNKNOWN_VOLUME_TYPE;
            case "encrypted const" -> ErrorCode.UNSUPPORTED_OPERATION;
            case "tags maxProperties" -> ErrorCode.TAG_LIMIT_EXCEEDED;
            default -> ErrorCode.INVALID_PARAMETER_VALUE;
        };
    }

    private static String keyword(OutputUnit error) {
        String location = error.getKeywordLocation();
        return location.substring(location.lastIndexOf('/') + 1);
    }

    private static String field(OutputUnit error) {
        String location = error.getInstanceLocation();
        return location.startsWith("#/") ? location.substring(2) : location;
    }

    private static String value(JsonObject json, OutputUnit error) {
        String pointer = error.getInstanceLocation().substring(1);
        Object value = pointer.isEmpty() ? json : JsonPointer.from(pointer).queryJson(json);
        return Echo.json(value);
    }
}
