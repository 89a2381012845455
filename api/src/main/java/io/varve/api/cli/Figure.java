package io.varve.api.cli;

import io.vertx.core.json.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A figure of performance as people write it: a number, or {@code unlimited}.
 *
 * @param value as it stands in a request; null for what the type gives
 */
record Figure(@Nullable Object value) {
    private static final String UNLIMITED = "unlimited";

    /** Puts a figure that was given. */
    static void put(JsonObject body, String field, @Nullable Figure figure) {
        if (figure != null) {
            body.put(field, figure.value());
        }
    }

    /** For picocli. */
    static final class Converter implements ITypeConverter<Figure> {
        @Override
        public Figure convert(String text) {
            if (text.equals(UNLIMITED)) {
                return new Figure(UNLIMITED);
            }
            try {
                int number = Integer.parseInt(text);
                return new Figure(number == 0 ? null : number);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("'" + text + "' is neither a number nor " + UNLIMITED);
            }
        }
    }
}
