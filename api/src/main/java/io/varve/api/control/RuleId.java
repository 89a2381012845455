package io.varve.api.control;

import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The id of a retention rule: {@code rule-} and 17 hexadecimal digits. */
public record RuleId(String text) {
    public static final String PREFIX = "rule-";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{17}");

    /** Fails with IllegalArgumentException for anything that is no such id. */
    public RuleId {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " is not the id of a retention rule");
        }
    }

    static RuleId random(RandomGenerator random) {
        return new RuleId(PREFIX + Digits.random(random));
    }

    @Override
    public String toString() {
        return text;
    }
}
