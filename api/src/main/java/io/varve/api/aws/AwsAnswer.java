package io.varve.api.aws;

import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Map;

/**
 * What a face answers.
 *
 * @param headers those of the service, Content-Type too; the gate adds the request id
 * @param resources the ids of what was made or changed, for the audit log; empty for a request that only reads
 */
public record AwsAnswer(int status, Map<String, String> headers, Buffer body, List<String> resources) {
    /** An answer to a request that changed nothing. */
    public AwsAnswer(int status, Map<String, String> headers, Buffer body) {
        this(status, headers, body, List.of());
    }
}
