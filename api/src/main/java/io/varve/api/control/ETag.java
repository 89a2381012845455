package io.varve.api.control;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;

/** The version of what is said about an object, as a strong entity tag (RFC 9110, section 8.8.3). */
public final class ETag {
    private static final int BYTES = 15;

    private ETag() {}

    /**
     * The tag of an object with this entry and what else is said of it: another one for everything that is said
     * otherwise.
     */
    static String of(Entry<?> entry, Object... more) {
        try {
            byte[] text = (entry + " " + Arrays.toString(more)).getBytes(StandardCharsets.UTF_8);
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text);
            return Base64.getUrlEncoder().encodeToString(Arrays.copyOf(digest, BYTES));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
