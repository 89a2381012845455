package io.varve.api.aws;

/** Values of a request as they are repeated in an answer: in quotes, without control characters, and never long. */
public final class Echo {
    private static final int MOST_CHARS = 60;

    private Echo() {}

    /** As much of a value as an answer repeats. */
    public static String quoted(String text) {
        String shown = text.length() > MOST_CHARS ? text.substring(0, MOST_CHARS) + "…" : text;
        return '"' + shown.replaceAll("\\p{Cntrl}", "?") + '"';
    }
}
