package io.varve.api.control;

import io.varve.api.diskimage.DiskImageException;
import io.varve.engine.ProvisioningException;
import io.varve.engine.StoreException;

/** A request that is refused. The message names the field and the value and says what would be right. */
public final class RequestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    public RequestException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    private RequestException(ErrorCode code, RuntimeException cause) {
        super(cause.getMessage(), cause);
        this.code = code;
    }

    /** What the engine refused, in the words of the API. */
    public static RequestException of(StoreException e) {
        return new RequestException(
                switch (e.kind()) {
                    case VOLUME_NOT_FOUND -> ErrorCode.VOLUME_NOT_FOUND;
                    case SNAPSHOT_NOT_FOUND -> ErrorCode.SNAPSHOT_NOT_FOUND;
                    case IN_USE -> ErrorCode.VOLUME_IN_USE;
                    case INVALID -> ErrorCode.INVALID_PARAMETER_VALUE;
                    case NO_SPACE -> ErrorCode.INSUFFICIENT_VOLUME_CAPACITY;
                    case CLOSED -> ErrorCode.UNAVAILABLE;
                    case OUT_OF_MEMORY -> ErrorCode.REQUEST_LIMIT_EXCEEDED;
                    case LOCKED, ACCESS_DENIED, NEWER_FORMAT, DAMAGED, ALREADY_EXISTS, IO -> ErrorCode.INTERNAL_ERROR;
                },
                e);
    }

    /** Why a disk image is not read or written, in the words of the API. */
    static RequestException of(DiskImageException e) {
        return new RequestException(
                switch (e.reason()) {
                    case UNAVAILABLE -> ErrorCode.UNSUPPORTED_OPERATION;
                    case NAME -> ErrorCode.INVALID_PARAMETER_VALUE;
                    case NOT_FOUND -> ErrorCode.RESOURCE_NOT_FOUND;
                    case EXISTS -> ErrorCode.FILE_DUPLICATE;
                    case IMAGE -> ErrorCode.INVALID_DISK_IMAGE;
                    case FAILED, CANCELLED -> ErrorCode.INTERNAL_ERROR;
                },
                e);
    }

    /** What a volume type does not offer, in the words of the API. */
    static RequestException of(ProvisioningException e) {
        return new RequestException(
                switch (e.reason()) {
                    case UNKNOWN_TYPE -> ErrorCode.UNKNOWN_VOLUME_TYPE;
                    case SIZE, VALUE -> ErrorCode.INVALID_PARAMETER_VALUE;
                    case NOT_OFFERED -> ErrorCode.INVALID_PARAMETER_COMBINATION;
                    case MISSING -> ErrorCode.MISSING_PARAMETER;
                },
                e);
    }

    public ErrorCode code() {
        return code;
    }
}
