package io.varve.engine.meta;

/** One of the two superblock files does not hold a whole generation. The message says why: "superblock-a …". */
final class DamagedCopyException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedCopyException(String message) {
        super(message);
    }
}
