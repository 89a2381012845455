package io.varve.api.control;

import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The id of a lifecycle policy: {@code policy-} and 17 hexadecimal digits. */
public record PolicyId(String text) {
    public static final String PREFIX = "policy-";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{17}");

    /** Fails with IllegalArgumentException for anything that is no such id. */
    public PolicyId {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " is not the id of a lifecycle policy");
        }
    }

    static PolicyId random(RandomGenerator random) {
        return new PolicyId(PREFIX + Digits.random(random));
    }

    @Override
    public String toString() {
        return text;
    }
}
