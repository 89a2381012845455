package io.varve.nbd;

import io.varve.engine.IoStatus;

/**
 * Why a request failed: the error value on the wire (proto.md, "Error values"), and the sentence that goes with it
 * where structured replies can carry one.
 */
enum NbdError {
    NONE(0, ""),
    READ_ONLY(1, "the export is read-only"),
    STORAGE(5, "the storage failed"),
    NO_MEMORY(12, "the server is out of buffer memory"),
    UNKNOWN_COMMAND(22, "unknown command"),
    UNKNOWN_FLAG(22, "the command does not take this flag"),
    RESERVED_FIELD(22, "offset and length of a flush must be zero"),
    TOO_LARGE(22, "the payload is larger than the maximum of 32 MiB"),
    BEYOND_END(22, "the request reaches beyond the end of the export"),
    NO_PAYLOAD(22, "a write with extended headers says how long its payload is"),
    NO_CONTEXT(22, "no metadata context was selected for this export"),
    EMPTY_RANGE(22, "a block status of nothing"),
    BAD_FILTER(22, "the payload does not name some of the selected contexts, each once"),
    READ_TOO_LONG(75, "the read is longer than the maximum of 32 MiB"),
    REFUSED(22, "the request makes no sense"),
    WRITE_BEYOND_END(28, "the write reaches beyond the end of the export"),
    NO_SPACE(28, "no space left in the store"),
    NOT_FAST(95, "zeroes that are not aligned to 4096 bytes are no faster than a write"),
    SHUTDOWN(108, "the export is being shut down");

    private final int value;
    private final String message;

    NbdError(int value, String message) {
        this.value = value;
        this.message = message;
    }

    static NbdError of(IoStatus status) {
        return switch (status) {
            case OK -> NONE;
            case EIO -> STORAGE;
            case EINVAL -> REFUSED;
            case ENOSPC -> NO_SPACE;
            case EPERM -> READ_ONLY;
            case ESHUTDOWN -> SHUTDOWN;
        };
    }

    /** The value of the error field. */
    int value() {
        return value;
    }

    /** For a person to read, in ASCII. */
    String message() {
        return message;
    }
}
