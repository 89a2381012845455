package io.varve.engine.map;

/** A packed page of the block map is not what it must be: what it covers cannot be read. The message says why. */
public final class DamagedPageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DamagedPageException(String message) {
        super(message);
    }
}
