package io.varve.api;

import io.varve.engine.StoreException;

/** What the program ends with. Scripts rely on these numbers; docs/api.md lists them. */
public final class ExitCode {
    public static final int OK = 0;

    /** The server refused the request, or failed. */
    public static final int REFUSED = 1;

    /** The command line, the configuration or a listen address makes no sense. */
    public static final int USAGE = 2;

    /** The server cannot be reached. */
    public static final int UNREACHABLE = 3;

    /** The data directory cannot be read or written. */
    public static final int ACCESS_DENIED = 10;

    /** Another server has the data directory open. */
    public static final int LOCKED = 11;

    /** The data directory was written by a newer version. */
    public static final int NEWER_FORMAT = 12;

    /** The data directory is damaged. */
    public static final int DAMAGED = 13;

    /** No space, or the device failed. */
    public static final int STORAGE = 14;

    /** An address cannot be listened on. */
    public static final int LISTEN = 15;

    private ExitCode() {}

    static int of(StoreException.Kind kind) {
        return switch (kind) {
            case ACCESS_DENIED -> ACCESS_DENIED;
            case LOCKED -> LOCKED;
            case NEWER_FORMAT -> NEWER_FORMAT;
            case DAMAGED -> DAMAGED;
            case NO_SPACE, IO -> STORAGE;
            case VOLUME_NOT_FOUND, SNAPSHOT_NOT_FOUND, ALREADY_EXISTS, IN_USE, INVALID, OUT_OF_MEMORY, CLOSED ->
                REFUSED;
        };
    }
}
