package io.varve.api.aws.cloudwatch;

import io.varve.api.aws.AwsAnswer;
import io.varve.api.aws.AwsRefusal;
import io.varve.api.aws.SignedRequest;
import java.util.Map;

/** A wire form of the service. */
interface Protocol {
    /** The action's name; empty if the request does not say. */
    String action(SignedRequest request);

    /** Its parameters. */
    Fields fields(SignedRequest request);

    /** A result of texts, numbers, {@link java.time.Instant}s, maps and lists of them, and of nothing else. */
    AwsAnswer answer(String action, Map<String, Object> result, String requestId);

    AwsAnswer refusal(AwsRefusal refusal);
}
