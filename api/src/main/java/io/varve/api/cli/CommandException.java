package io.varve.api.cli;

/** A command that failed. The message is one line for the user. */
public final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    CommandException(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    CommandException(int exitCode, String message, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    /** One of {@link io.varve.api.ExitCode}. */
    public int exitCode() {
        return exitCode;
    }
}
