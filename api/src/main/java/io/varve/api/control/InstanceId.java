package io.varve.api.control;

import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The id of an instance: {@code i-} and 17 hexadecimal digits. */
public record InstanceId(String text) {
    public static final String PREFIX = "i-";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{17}");

    /** Fails with IllegalArgumentException for anything that is no such id. */
    public InstanceId {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " is not the id of an instance");
        }
    }

    static InstanceId random(RandomGenerator random) {
        return new InstanceId(PREFIX + Digits.random(random));
    }

    @Override
    public String toString() {
        return text;
    }
}
