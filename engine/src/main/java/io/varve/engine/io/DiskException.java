package io.varve.engine.io;

/** A file operation that failed. The kind says what it means for the caller. */
public final class DiskException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kind of failure. */
    public enum Kind {
        /** The file system is full, or a quota is. */
        NO_SPACE,
        /** The file does not exist, or exists already where it must not. */
        NAME,
        /** Not allowed to this user. */
        ACCESS,
        /** The device failed, or anything else. */
        IO
    }

    private final Kind kind;

    public DiskException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
