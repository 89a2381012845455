package io.varve.api.aws.ec2;

import io.varve.api.aws.Echo;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;

/** A request that is refused, in EC2's words. */
final class Ec2Exception extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int BAD_REQUEST = 400;
    private static final int FORBIDDEN = 403;
    private static final int DRY_RUN = 412;
    private static final int UNAVAILABLE = 503;
    private static final int SERVER_ERRORS = 500;

    private final int status;
    private final String code;

    private Ec2Exception(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    /** A mistake of the client: EC2 answers nearly all of them with 400. */
    Ec2Exception(String code, String message) {
        this(BAD_REQUEST, code, message);
    }

    /** What the control plane refused: the names are EC2's already, the statuses are not. */
    static Ec2Exception of(RequestException refusal) {
        ErrorCode code = refusal.code();
        int status = BAD_REQUEST;
        if (code.status() >= SERVER_ERRORS) {
            status = code == ErrorCode.INTERNAL_ERROR ? SERVER_ERRORS : UNAVAILABLE;
        } else if (code.status() == FORBIDDEN) {
            status = FORBIDDEN;
        }
        return new Ec2Exception(status, code.code(), String.valueOf(refusal.getMessage()));
    }

    static Ec2Exception dryRun() {
        return new Ec2Exception(DRY_RUN, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
    }

    static Ec2Exception value(String name, String value, String expected) {
        return new Ec2Exception(
                "InvalidParameterValue", "%s %s is refused: expected %s".formatted(name, Echo.quoted(value), expected));
    }

    static Ec2Exception unsupported(String message) {
        return new Ec2Exception("UnsupportedOperation", message);
    }

    int status() {
        return status;
    }

    String code() {
        return code;
    }
}
