package io.varve.nbd;

/** An option that is refused; the negotiation goes on. */
final class OptionException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int type;

    /**
     * @param type an option error (proto.md, "Option reply types")
     * @param message for people
     */
    OptionException(int type, String message) {
        super(message, null, false, false);
        this.type = type;
    }

    int type() {
        return type;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
