package io.varve.api.rest;

import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import io.varve.engine.StoreException;
import io.vertx.ext.web.handler.HttpException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** What clients are told of failures, whatever threw them. */
final class Problems {
    private Problems() {}

    /** What is told of a failure; what nobody foresaw becomes INTERNAL_ERROR, and tells nothing. */
    static RequestException of(@Nullable Throwable failure) {
        if (failure instanceof RequestException problem) {
            return problem;
        }
        if (failure instanceof StoreException refusal) {
            return RequestException.of(refusal);
        }
        if (failure instanceof HttpException http && http.getStatusCode() == ErrorCode.VALIDATION_ERROR.status()) {
            return badRequest(http.getCause());
        }
        if (failure instanceof CompletionException wrapper && wrapper.getCause() != null) {
            return of(wrapper.getCause());
        }
        if (failure instanceof RejectedExecutionException) {
            return new RequestException(ErrorCode.UNAVAILABLE, "the server is stopping");
        }
        return new RequestException(ErrorCode.INTERNAL_ERROR, "the server failed; its log says why");
    }

    static RequestException unknownPath(String path) {
        return new RequestException(
                ErrorCode.INVALID_ACTION, "there is nothing at " + Echo.shorten(path) + "; see /openapi.json");
    }

    static RequestException tooLarge() {
        return new RequestException(
                ErrorCode.REQUEST_TOO_LARGE, "the body is larger than " + RestLimits.BODY_BYTES + " bytes");
    }

    static RequestException badRequest(@Nullable Throwable failure) {
        String why = failure == null ? "" : ": " + Echo.shorten(String.valueOf(failure.getMessage()));
        return new RequestException(ErrorCode.VALIDATION_ERROR, "the request cannot be read" + why);
    }
}
