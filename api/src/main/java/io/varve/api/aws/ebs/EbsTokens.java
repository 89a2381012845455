package io.varve.api.aws.ebs;

import io.varve.engine.SnapshotId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Block and page tokens. They hold what they stand for under a message authentication code, so that nothing is kept of
 * them; what they belong to is not in them, but under the code too. Thread-safe.
 *
 * <pre>
 * block token  version (1) | expiry, seconds since 1970 (8) | code (16)
 * page token   version (1) | expiry (8) | next block index (4) | code (16)
 * </pre>
 */
final class EbsTokens {
    /** How long a block token is good, as in EBS. */
    static final Duration BLOCK_LIFE = Duration.ofDays(7);

    /** How long a page token is good, as in EBS. */
    static final Duration PAGE_LIFE = Duration.ofMinutes(60);

    /** The longest token that EBS's model has. */
    static final int MOST_CHARS = 256;

    private static final String ALGORITHM = "HmacSHA256";
    private static final byte VERSION = 1;
    private static final int EXPIRY_OFFSET = 1;
    private static final int INDEX_OFFSET = EXPIRY_OFFSET + Long.BYTES;
    private static final int CODE_BYTES = 16;

    private final SecretKeySpec key;
    private final InstantSource clock;

    EbsTokens(byte[] secret, InstantSource clock) {
        key = new SecretKeySpec(secret, ALGORITHM);
        this.clock = clock;
    }

    /** Makes tokens for the blocks of one snapshot that all end at the same time. For one thread. */
    final class Issuer {
        private final Mac mac = mac();
        private final String scope;
        private final Instant expiry;

        private Issuer(SnapshotId snapshot, Instant expiry) {
            scope = scope(snapshot);
            this.expiry = expiry;
        }

        String token(int index) {
            ByteBuffer head =
                    ByteBuffer.allocate(INDEX_OFFSET).put(0, VERSION).putLong(EXPIRY_OFFSET, expiry.getEpochSecond());
            return sealed(mac, head.array(), scope + index);
        }
    }

    /** When block tokens that are made now end. */
    Instant blockExpiry() {
        return Instant.ofEpochSecond(clock.instant().plus(BLOCK_LIFE).getEpochSecond());
    }

    Issuer blocks(SnapshotId snapshot, Instant expiry) {
        return new Issuer(snapshot, expiry);
    }

    /** Fails with INVALID_BLOCK_TOKEN unless the token is one of this block of this snapshot. */
    void requireBlock(String token, SnapshotId snapshot, int index) {
        byte[] bytes = opened(token, INDEX_OFFSET, scope(snapshot) + index, EbsException.Reason.INVALID_BLOCK_TOKEN);
        requireLife(bytes, EbsException.Reason.INVALID_BLOCK_TOKEN);
    }

    private static String scope(SnapshotId snapshot) {
        return "block " + snapshot + " ";
    }

    /** @param list what is listed */
    String page(String list, int next) {
        ByteBuffer head = ByteBuffer.allocate(INDEX_OFFSET + Integer.BYTES)
                .put(0, VERSION)
                .putLong(EXPIRY_OFFSET, clock.instant().plus(PAGE_LIFE).getEpochSecond())
                .putInt(INDEX_OFFSET, next);
        return sealed(mac(), head.array(), "page " + list);
    }

    /** Where a list goes on. Fails with INVALID_PAGE_TOKEN. */
    int next(String token, String list) {
        byte[] bytes =
                opened(token, INDEX_OFFSET + Integer.BYTES, "page " + list, EbsException.Reason.INVALID_PAGE_TOKEN);
        requireLife(bytes, EbsException.Reason.INVALID_PAGE_TOKEN);
        return ByteBuffer.wrap(bytes).getInt(INDEX_OFFSET);
    }

    private static String sealed(Mac mac, byte[] head, String scope) {
        byte[] token = Arrays.copyOf(head, head.length + CODE_BYTES);
        System.arraycopy(code(mac, head, scope), 0, token, head.length, CODE_BYTES);
        return Base64.getEncoder().encodeToString(token);
    }

    private byte[] opened(String token, int headBytes, String scope, EbsException.Reason reason) {
        byte[] bytes = new byte[0];
        if (token.length() <= MOST_CHARS) {
            try {
                bytes = Base64.getDecoder().decode(token);
            } catch (IllegalArgumentException e) {
                throw refused(reason);
            }
        }
        if (bytes.length != headBytes + CODE_BYTES || bytes[0] != VERSION) {
            throw refused(reason);
        }
        byte[] head = Arrays.copyOf(bytes, headBytes);
        byte[] code = Arrays.copyOfRange(bytes, headBytes, bytes.length);
        if (!MessageDigest.isEqual(code, code(mac(), head, scope))) {
            throw refused(reason);
        }
        return bytes;
    }

    private static EbsException refused(EbsException.Reason reason) {
        return new EbsException(reason, "the token is none that this server gave for this: list again");
    }

    private void requireLife(byte[] token, EbsException.Reason reason) {
        if (ByteBuffer.wrap(token).getLong(EXPIRY_OFFSET) <= clock.instant().getEpochSecond()) {
            throw new EbsException(reason, "the token is too old: list again");
        }
    }

    private static byte[] code(Mac mac, byte[] head, String scope) {
        mac.update(head);
        return Arrays.copyOf(mac.doFinal(scope.getBytes(StandardCharsets.US_ASCII)), CODE_BYTES);
    }

    private Mac mac() {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return mac;
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every Java has " + ALGORITHM, e);
        }
    }
}
