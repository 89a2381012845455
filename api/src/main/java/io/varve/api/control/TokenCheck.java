package io.varve.api.control;

/** The rule of client tokens. */
final class TokenCheck {
    private TokenCheck() {}

    /** Refuses a token that came with another request before. */
    static void requireSame(ClientToken before, ClientToken now) {
        if (!before.parameters().equals(now.parameters())) {
            throw new RequestException(
                    ErrorCode.IDEMPOTENT_PARAMETER_MISMATCH,
                    "clientToken \"%s\" was used with other parameters: %s"
                            .formatted(before.token(), before.parameters()));
        }
    }
}
