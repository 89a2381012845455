package io.varve.engine;

/** A request to the store that was not carried out; nothing changed. The kind says what the caller can do about it. */
public final class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public enum Kind {
        /** Another process has the data directory open. */
        LOCKED,
        /** The data directory cannot be read or written by this user. */
        ACCESS_DENIED,
        /** The store was written by a newer version. */
        NEWER_FORMAT,
        /** What is on disk is not a store, or is damaged beyond opening. */
        DAMAGED,
        /** No such volume. */
        VOLUME_NOT_FOUND,
        /** No such snapshot. */
        SNAPSHOT_NOT_FOUND,
        /** The id is taken. */
        ALREADY_EXISTS,
        /** The volume or snapshot is open. */
        IN_USE,
        /** A value is out of range. */
        INVALID,
        /** A share of the {@link MemoryBudget} is used up: close something, or give the server more memory. */
        OUT_OF_MEMORY,
        /** No space is left. */
        NO_SPACE,
        /** The device failed. */
        IO,
        /** The store is closing or closed. */
        CLOSED
    }

    private final Kind kind;

    public StoreException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public StoreException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
