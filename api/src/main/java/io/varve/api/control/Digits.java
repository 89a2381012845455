package io.varve.api.control;

import java.util.random.RandomGenerator;

/** The digits of ids that the control plane draws. */
final class Digits {
    private static final int DIGITS = 17;

    private Digits() {}

    /** 17 hexadecimal digits: 68 random bits. */
    static String random(RandomGenerator random) {
        return "%016x%x".formatted(random.nextLong(), random.nextInt(16));
    }

    /** A place in a list for an id with such digits: random, but always the same. */
    static long order(Object id) {
        String text = id.toString();
        return Long.parseLong(text.substring(text.length() - DIGITS, text.length() - 2), 16);
    }
}
