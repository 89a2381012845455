package io.varve.api.control;

import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The id of an export: {@code export-} and 17 hexadecimal digits. */
public record ExportId(String text) {
    public static final String PREFIX = "export-";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{17}");

    /** Fails with IllegalArgumentException for anything that is no such id. */
    public ExportId {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " is not the id of an export");
        }
    }

    static ExportId random(RandomGenerator random) {
        return new ExportId(PREFIX + Digits.random(random));
    }

    @Override
    public String toString() {
        return text;
    }
}
