package io.varve.api.portable;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The chain of digests through a portable file. Not thread-safe. */
final class Digest {
    private final MessageDigest sha256;
    private byte[] value;

    /** @param before where the chain goes on; empty at the front of a file */
    Digest(byte[] before) {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
        value = before.clone();
    }

    /** Goes on over the first {@code headLength} bytes of {@code head} and a part of {@code payload}. */
    byte[] add(byte[] head, int headLength, byte[] payload, int payloadOffset, int payloadLength) {
        value = next(head, headLength, payload, payloadOffset, payloadLength);
        return value.clone();
    }

    /** What {@link #add} would give. */
    byte[] next(byte[] head, int headLength, byte[] payload, int payloadOffset, int payloadLength) {
        sha256.update(value);
        sha256.update(head, 0, headLength);
        sha256.update(payload, payloadOffset, payloadLength);
        return sha256.digest();
    }

    byte[] value() {
        return value.clone();
    }
}
