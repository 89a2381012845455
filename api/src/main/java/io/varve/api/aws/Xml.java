package io.varve.api.aws;

/** What XML 1.0 cannot say. */
public final class Xml {
    private static final char REPLACEMENT = '\uFFFD';

    private Xml() {}

    /** The text with every character replaced that no XML document may hold, escaped or not. */
    public static String clean(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints().forEach(c -> clean.appendCodePoint(isChar(c) ? c : REPLACEMENT));
        return clean.toString();
    }

    /** Char, production 2 of XML 1.0. */
    private static boolean isChar(int c) {
        return c == '\t'
                || c == '\n'
                || c == '\r'
                || (c >= 0x20 && c <= 0xD7FF)
                || (c >= 0xE000 && c <= 0xFFFD)
                || c >= 0x10000;
    }
}
