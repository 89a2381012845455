package io.varve.api.aws.ebs;

import io.varve.api.control.RequestException;
import io.varve.engine.StoreException;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;

/** A refusal in EBS's words: the name of the error, and the reason for those that have one. */
final class EbsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Type type;
    private final Optional<Reason> reason;

    EbsException(Type type, Optional<Reason> reason, String message) {
        super(message);
        this.type = type;
        this.reason = reason;
    }

    /** A ValidationException. */
    EbsException(Reason reason, String message) {
        this(Type.VALIDATION, Optional.of(reason), message);
    }

    /** The errors of the service model. */
    enum Type {
        VALIDATION("ValidationException", 400),
        RESOURCE_NOT_FOUND("ResourceNotFoundException", 404),
        CONFLICT("ConflictException", 409),
        REQUEST_THROTTLED("RequestThrottledException", 400),
        CONCURRENT_LIMIT_EXCEEDED("ConcurrentLimitExceededException", 400),
        SERVICE_QUOTA_EXCEEDED("ServiceQuotaExceededException", 402),
        INTERNAL_SERVER("InternalServerException", 500),
        /** What every AWS service answers for a path that it does not have. */
        UNKNOWN_OPERATION("UnknownOperationException", 404);

        private final String text;
        private final int status;

        Type(String text, int status) {
            this.text = text;
            this.status = status;
        }

        /** Its name on the wire. */
        String text() {
            return text;
        }

        int status() {
            return status;
        }
    }

    /** The reasons of the service model; their names are those on the wire. */
    enum Reason {
        INVALID_PAGE_TOKEN,
        INVALID_BLOCK_TOKEN,
        INVALID_SNAPSHOT_ID,
        UNRELATED_SNAPSHOTS,
        INVALID_BLOCK,
        INVALID_CONTENT_ENCODING,
        INVALID_TAG,
        INVALID_PARAMETER_VALUE,
        INVALID_VOLUME_SIZE,
        CONFLICTING_BLOCK_UPDATE,
        SNAPSHOT_NOT_FOUND,
        RESOURCE_LEVEL_THROTTLE,
        DEPENDENCY_SERVICE_QUOTA_EXCEEDED
    }

    Type type() {
        return type;
    }

    Optional<Reason> reason() {
        return reason;
    }

    /** What a call of the control plane failed with, in EBS's words: the one table for that. */
    static EbsException of(Throwable failure) {
        if (failure instanceof EbsException known) {
            return known;
        }
        if (failure instanceof CompletionException && failure.getCause() != null) {
            return of(failure.getCause());
        }
        if (failure instanceof StoreException refusal) {
            return of(RequestException.of(refusal));
        }
        if (failure instanceof RejectedExecutionException) {
            return new EbsException(Type.INTERNAL_SERVER, Optional.empty(), "the server is stopping");
        }
        if (!(failure instanceof RequestException refusal)) {
            return new EbsException(Type.INTERNAL_SERVER, Optional.empty(), "the server failed; its log says why");
        }
        String message = String.valueOf(refusal.getMessage());
        return switch (refusal.code()) {
            case SNAPSHOT_NOT_FOUND ->
                new EbsException(Type.RESOURCE_NOT_FOUND, Optional.of(Reason.SNAPSHOT_NOT_FOUND), message);
            case INCORRECT_STATE, SNAPSHOT_ID_MALFORMED -> new EbsException(Reason.INVALID_SNAPSHOT_ID, message);
            case INVALID_BLOCK -> new EbsException(Reason.INVALID_BLOCK, message);
            case CONFLICTING_BLOCK_UPDATE -> new EbsException(Reason.CONFLICTING_BLOCK_UPDATE, message);
            case UNRELATED_SNAPSHOTS -> new EbsException(Reason.UNRELATED_SNAPSHOTS, message);
            case TAG_LIMIT_EXCEEDED -> new EbsException(Reason.INVALID_TAG, message);
            case IDEMPOTENT_PARAMETER_MISMATCH -> new EbsException(Type.CONFLICT, Optional.empty(), message);
            case RESOURCE_LIMIT_EXCEEDED -> new EbsException(Type.CONCURRENT_LIMIT_EXCEEDED, Optional.empty(), message);
            case REQUEST_LIMIT_EXCEEDED ->
                new EbsException(Type.REQUEST_THROTTLED, Optional.of(Reason.RESOURCE_LEVEL_THROTTLE), message);
            case INSUFFICIENT_VOLUME_CAPACITY ->
                new EbsException(
                        Type.SERVICE_QUOTA_EXCEEDED, Optional.of(Reason.DEPENDENCY_SERVICE_QUOTA_EXCEEDED), message);
            case INTERNAL_ERROR, UNAVAILABLE -> new EbsException(Type.INTERNAL_SERVER, Optional.empty(), message);
            default -> new EbsException(Reason.INVALID_PARAMETER_VALUE, message);
        };
    }
}
