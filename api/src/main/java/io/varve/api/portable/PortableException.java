package io.varve.api.portable;

/** The file is not what it should be; the message says where and how. */
public final class PortableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PortableException(String message) {
        super(message);
    }
}
