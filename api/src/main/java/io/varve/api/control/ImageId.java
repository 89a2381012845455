package io.varve.api.control;

import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** The id of an image: {@code ami-} and 17 hexadecimal digits. */
public record ImageId(String text) {
    public static final String PREFIX = "ami-";

    private static final Pattern FORM = Pattern.compile(PREFIX + "[0-9a-f]{17}");

    /** Fails with IllegalArgumentException for anything that is no such id. */
    public ImageId {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException(text + " is not the id of an image");
        }
    }

    static ImageId random(RandomGenerator random) {
        return new ImageId(PREFIX + Digits.random(random));
    }

    @Override
    public String toString() {
        return text;
    }
}
