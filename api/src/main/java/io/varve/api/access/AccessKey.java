package io.varve.api.access;

/**
 * An access key as the signature check needs it.
 *
 * @param secret what requests are signed with
 */
public record AccessKey(Caller caller, String secret) {
    /** Never shows the secret. */
    @Override
    public String toString() {
        return caller.toString();
    }
}
