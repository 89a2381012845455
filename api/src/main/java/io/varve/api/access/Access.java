package io.varve.api.access;

/**
 * Who may call, and what callers did.
 *
 * @param audit the log of all changes
 */
public record Access(Credentials credentials, AuditLog audit) implements AutoCloseable {
    @Override
    public void close() {
        audit.close();
    }
}
