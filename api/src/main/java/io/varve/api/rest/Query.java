package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.vertx.core.MultiMap;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;

/** The query parameters of one request, checked against the contract. */
final class Query {
    private final MultiMap parameters;

    /** Fails with UNKNOWN_PARAMETER or INVALID_PARAMETER_VALUE. */
    Query(MultiMap parameters, Contract.Operation operation) {
        this.parameters = parameters;
        for (String name : parameters.names()) {
            JsonObject schema = operation.query().get(name);
            if (schema == null) {
                throw new RequestException(
                        ErrorCode.UNKNOWN_PARAMETER, "there is no query parameter " + Echo.shorten(name) + " here");
            }
            checkAll(name, parameters.getAll(name), schema);
        }
    }

    private static void checkAll(String name, List<String> values, JsonObject schema) {
        boolean many = schema.getString("type").equals("array");
        int most = many ? schema.getInteger("maxItems") : 1;
        if (values.size() > most) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "%s is given %d times; %d is allowed".formatted(name, values.size(), most));
        }
        JsonObject item = many ? schema.getJsonObject("items") : schema;
        values.forEach(value -> check(name, value, item));
    }

    private static void check(String name, String value, JsonObject schema) {
        boolean valid = switch (schema.getString("type")) {
            case "boolean" -> value.equals("true") || value.equals("false");
            case "integer" -> integer(value, schema.getInteger("minimum"), schema.getInteger("maximum"));
            default -> value.length() <= schema.getInteger("maxLength");
        };
        if (!valid) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "%s %s is refused: expected %s".formatted(name, Echo.json(value), schema.encode()));
        }
    }

    private static boolean integer(String value, int least, int most) {
        if (!value.matches("[0-9]{1,9}")) {
            return false;
        }
        int number = Integer.parseInt(value);
        return number >= least && number <= most;
    }

    boolean flag(String name) {
        return "true".equals(parameters.get(name));
    }

    Optional<Integer> number(String name) {
        return text(name).map(Integer::parseInt);
    }

    List<String> all(String name) {
        return parameters.getAll(name);
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(parameters.get(name));
    }
}
