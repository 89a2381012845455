package io.varve.api.aws;

import io.varve.api.access.Caller;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Map;

/**
 * A request that the gate has let in.
 *
 * @param path as it was sent, still percent-encoded
 * @param query the parameters of the request line in their order, decoded, without those of a signature
 * @param headers case-insensitive
 * @param body whole; not larger than the face's {@link Face#bodyBytes()}
 * @param caller whose signature it is
 * @param requestId for the answer, of this request alone
 */
public record SignedRequest(
        String method,
        String path,
        List<Map.Entry<String, String>> query,
        MultiMap headers,
        Buffer body,
        Caller caller,
        String requestId) {
    /** A refusal of this request. */
    public AwsRefusal refusal(int status, String code, String message) {
        return new AwsRefusal(status, code, message, requestId, headers);
    }
}
