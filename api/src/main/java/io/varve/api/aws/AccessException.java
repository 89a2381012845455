package io.varve.api.aws;

/** A request that the gate does not let in. The message names the value and says what would be right. */
final class AccessException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final AccessFault fault;

    AccessException(AccessFault fault, String message) {
        super(message);
        this.fault = fault;
    }

    AccessFault fault() {
        return fault;
    }
}
