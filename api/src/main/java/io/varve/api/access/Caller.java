package io.varve.api.access;

/**
 * Who sends a request.
 *
 * @param id the id of the access key or of the API token, or {@link #OPEN_ID}
 * @param role what it may do
 */
public record Caller(String id, Role role) {
    /** What the audit log calls a caller whom nobody asked who it is. */
    public static final String OPEN_ID = "open";

    /** Anybody, where the operator has not said who may call. */
    public static final Caller OPEN = new Caller(OPEN_ID, Role.ADMINISTER);
}
