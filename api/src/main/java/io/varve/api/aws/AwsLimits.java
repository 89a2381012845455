package io.varve.api.aws;

/** What a client of the AWS faces can run into at the gate. */
public final class AwsLimits {
    /** Form parameters: a thousand ids and two hundred filters fit many times. */
    public static final int QUERY_BODY_BYTES = 1 << 20;

    /** Requests at work at once, so that their bodies are bounded too; the next one is told to come back. */
    public static final int REQUESTS_AT_ONCE = 64;

    /** How far the date of a request may be from the server's, as AWS has it. */
    public static final int SKEW_SECONDS = 15 * 60;

    /** The longest life of a presigned request, as AWS has it. */
    public static final int PRESIGNED_SECONDS = 7 * 24 * 60 * 60;

    /** How many headers a signature may cover. */
    public static final int SIGNED_HEADERS = 64;

    private AwsLimits() {}
}
