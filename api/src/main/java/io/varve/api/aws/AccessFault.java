package io.varve.api.aws;

/** Why the gate refuses a request, and what each service calls that. */
enum AccessFault {
    MISSING_AUTHENTICATION(
            403, "MissingAuthenticationToken", "MissingAuthenticationTokenException", "MissingAuthenticationToken"),
    INCOMPLETE_SIGNATURE(400, "IncompleteSignature", "IncompleteSignatureException", "IncompleteSignature"),
    UNKNOWN_KEY(403, "AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId"),
    WRONG_SIGNATURE(403, "AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch"),
    EXPIRED(400, "RequestExpired", "InvalidSignatureException", "RequestExpired"),
    NOT_ALLOWED(403, "UnauthorizedOperation", "AccessDeniedException", "AccessDenied"),
    TOO_LARGE(413, "RequestEntityTooLarge", "ValidationException", "RequestEntityTooLarge"),
    TOO_MANY(503, "RequestLimitExceeded", "RequestThrottledException", "Throttling"),
    NO_SERVICE(404, "InvalidAction", "InvalidAction", "InvalidAction"),
    FULL(503, "InsufficientCapacity", "InternalServerException", "InternalFailure"),
    FAILED(500, "InternalError", "InternalServerException", "InternalFailure");

    private final int status;
    private final String ec2;
    private final String ebs;
    private final String query;

    AccessFault(int status, String ec2, String ebs, String query) {
        this.status = status;
        this.ec2 = ec2;
        this.ebs = ebs;
        this.query = query;
    }

    int status() {
        return status;
    }

    /** What {@code service} calls it; CloudWatch and what is not there use the words of the Query protocol. */
    String code(String service) {
        return switch (service) {
            case "ec2" -> ec2;
            case "ebs" -> ebs;
            default -> query;
        };
    }
}
