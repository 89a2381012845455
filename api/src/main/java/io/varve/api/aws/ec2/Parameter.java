package io.varve.api.aws.ec2;

/**
 * A parameter of an action.
 *
 * @param pattern its name, with N where a number stands; {@code .*} at the end for all that begins so
 * @param reason why it is ignored or refused; empty if it does what EC2 says
 */
record Parameter(String pattern, Handling handling, String reason) {
    private static final String ALL = ".*";

    /** What becomes of it. */
    enum Handling {
        DONE,
        IGNORED,
        /** With UnsupportedOperation, unless it says false. */
        REFUSED
    }

    boolean covers(String name) {
        if (!pattern.endsWith(ALL)) {
            return pattern.equals(name);
        }
        String stem = pattern.substring(0, pattern.length() - ALL.length());
        return name.equals(stem) || name.startsWith(stem + ".");
    }

    void check(String name, String value) {
        if (handling == Handling.REFUSED && !value.equalsIgnoreCase("false")) {
            throw Ec2Exception.unsupported("%s is refused: %s".formatted(name, reason));
        }
    }
}
