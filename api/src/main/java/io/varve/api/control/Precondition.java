package io.varve.api.control;

import java.util.List;
import java.util.Optional;

/**
 * What must hold for a change to be made: that the object still is as the client saw it (RFC 9110, section 13.1.1).
 *
 * @param etags the tags of which the object must have one; empty for no condition
 */
public record Precondition(Optional<List<String>> etags) {
    public static final Precondition NONE = new Precondition(Optional.empty());

    /** Fails with PRECONDITION_FAILED. */
    void require(String etag) {
        if (etags.isPresent() && !etags.get().contains(etag) && !etags.get().contains("*")) {
            throw new RequestException(
                    ErrorCode.PRECONDITION_FAILED,
                    "If-Match names %s, but the object has the ETag \"%s\" by now: read it again"
                            .formatted(etags.get(), etag));
        }
    }
}
