package io.varve.api.control;

import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The id of import: {@code import-} and 17 hexadecimal digits. */
public record ImportId(String text) {
    public static final String PREFIX = "import-";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{17}");

    /** Fails with IllegalArgumentException for anything that is no such id. */
    public ImportId {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " is not the id of an import");
        }
    }

    static ImportId random(RandomGenerator random) {
        return new ImportId(PREFIX + Digits.random(random));
    }

    @Override
    public String toString() {
        return text;
    }
}
