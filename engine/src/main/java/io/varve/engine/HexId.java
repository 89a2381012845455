package io.varve.engine;

/** The written form that volume and snapshot ids share: a prefix and 17 lower-case hexadecimal digits (68 bits). */
final class HexId {
    private static final int DIGITS = 17;

    private HexId() {}

    static void checkHigh(int high) {
        if (high < 0 || high > 15) {
            throw new IllegalArgumentException("the high part of an id has 4 bits, not " + high);
        }
    }

    static void check(String prefix, String text) {
        boolean wellFormed = text.length() == prefix.length() + DIGITS && text.startsWith(prefix);
        for (int i = prefix.length(); wellFormed && i < text.length(); i++) {
            char c = text.charAt(i);
            wellFormed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        }
        if (!wellFormed) {
            throw new IllegalArgumentException("not an id of the form " + prefix + "<17 hex digits>: " + text);
        }
    }

    static int high(String prefix, String text) {
        return Character.digit(text.charAt(prefix.length()), 16);
    }

    static long low(String prefix, String text) {
        return Long.parseUnsignedLong(text, prefix.length() + 1, text.length(), 16);
    }

    static String format(String prefix, int high, long low) {
        String digits = Long.toHexString(low);
        return prefix + Integer.toHexString(high) + "0".repeat(DIGITS - 1 - digits.length()) + digits;
    }
}
