package io.varve.engine;

/**
 * A volume was asked for that its {@link VolumeType} does not offer; the message names the field, its value and the
 * limit.
 */
public final class ProvisioningException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What is wrong. */
    public enum Reason {
        /** There is no type of that name. */
        UNKNOWN_TYPE,
        /** The size is none of the type's. */
        SIZE,
        /** A figure is out of range, or too much for the size or for another figure. */
        VALUE,
        /** The type leaves no choice there. */
        NOT_OFFERED,
        /** The type wants a choice there. */
        MISSING
    }

    private final Reason reason;
    private final String field;

    public ProvisioningException(Reason reason, String field, String message) {
        super(message);
        this.reason = reason;
        this.field = field;
    }

    public Reason reason() {
        return reason;
    }

    /** The field of the request that is at fault. */
    public String field() {
        return field;
    }
}
