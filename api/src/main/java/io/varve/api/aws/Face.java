package io.varve.api.aws;

import io.vertx.core.Future;

/**
 * One AWS service. Methods are called on the server's loop and wait for nothing there. The gate has checked the
 * signature before, checks the role between {@link #action} and {@link #answer}, and writes the audit log.
 */
public interface Face {
    /** The largest body that is taken, in bytes. A larger one is refused before it is read. */
    default int bodyBytes() {
        return AwsLimits.QUERY_BODY_BYTES;
    }

    /**
     * What is asked for. Anything that cannot be told yet, or is wrong, is a reading action that {@link #answer}
     * refuses.
     */
    Action action(SignedRequest request);

    /** Does it. What fails with an exception is answered with InternalFailure; refusals are answers. */
    Future<AwsAnswer> answer(SignedRequest request);

    /** A refusal in the wire form of the service. */
    AwsAnswer refusal(AwsRefusal refusal);
}
