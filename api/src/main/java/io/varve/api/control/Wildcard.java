package io.varve.api.control;

/**
 * A pattern of filters: {@code *} stands for any characters, {@code ?} for one, a backslash takes the meaning from the
 * character behind it. Matching takes at most length of the text times length of the pattern, whatever the pattern.
 */
final class Wildcard {
    private static final char ANY = '*';
    private static final char ONE = '?';
    private static final char ESCAPE = '\\';

    /** The pattern without its backslashes. */
    private final char[] chars;

    /** Whether a character of it is meant as itself. */
    private final boolean[] literal;

    private final int length;

    Wildcard(String pattern) {
        chars = new char[pattern.length()];
        literal = new boolean[pattern.length()];
        int count = 0;
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            boolean escaped = c == ESCAPE && i + 1 < pattern.length();
            chars[count] = escaped ? pattern.charAt(++i) : c;
            literal[count++] = escaped || (c != ANY && c != ONE);
        }
        length = count;
    }

    boolean matches(String text) {
        int at = 0;
        int next = 0;
        int lastStar = -1;
        int retryFrom = 0;
        while (next < text.length()) {
            if (at < length && !literal[at] && chars[at] == ANY) {
                lastStar = at++;
                retryFrom = next;
            } else if (at < length && (!literal[at] || chars[at] == text.charAt(next))) {
                at++;
                next++;
            } else if (lastStar >= 0) {
                at = lastStar + 1;
                next = ++retryFrom;
            } else {
                return false;
            }
        }
        while (at < length && !literal[at] && chars[at] == ANY) {
            at++;
        }
        return at == length;
    }
}
