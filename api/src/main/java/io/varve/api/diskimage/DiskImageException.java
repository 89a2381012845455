package io.varve.api.diskimage;

/** Says why a disk image was not read or written. */
public final class DiskImageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    DiskImageException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    DiskImageException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** What the caller can do about it. */
    public enum Reason {
        /** Nothing: this server has no program for it. */
        UNAVAILABLE,
        /** Give a name of the form that is allowed. */
        NAME,
        /** Put the file there first. */
        NOT_FOUND,
        /** Choose another name. */
        EXISTS,
        /** Make another image of it. */
        IMAGE,
        /** Nothing: somebody took it back, or the server stops. */
        CANCELLED,
        /** Find out from the message; it was under way. */
        FAILED
    }

    public Reason reason() {
        return reason;
    }
}
