package io.varve.api.access;

import io.varve.engine.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Seals the secrets of access keys, which are needed back to check signatures: AES-256-GCM under a key that stands in a
 * file of its own, {@code access.key}, so that a copy of the database alone gives nothing away.
 */
final class SealingKey {
    static final String FILE_NAME = "access.key";

    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final SecretKeySpec key;
    private final SecureRandom random;

    private SealingKey(byte[] key, SecureRandom random) {
        this.key = new SecretKeySpec(key, "AES");
        this.random = random;
    }

    /**
     * The key of a data directory, if it has one.
     *
     * @throws StoreException DAMAGED or ACCESS_DENIED
     */
    static Optional<SealingKey> read(Path dataDirectory, SecureRandom random) {
        Path file = dataDirectory.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            byte[] key = Files.readAllBytes(file);
            if (key.length != KEY_BYTES) {
                throw new StoreException(
                        StoreException.Kind.DAMAGED,
                        "%s is damaged: it has %d bytes, not %d".formatted(file, key.length, KEY_BYTES));
            }
            return Optional.of(new SealingKey(key, random));
        } catch (IOException e) {
            throw new StoreException(
                    StoreException.Kind.ACCESS_DENIED, "cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** Makes the key of a data directory; it is durable and its owner's alone when this returns. */
    static SealingKey make(Path dataDirectory, SecureRandom random) {
        byte[] key = new byte[KEY_BYTES];
        random.nextBytes(key);
        Path file = dataDirectory.resolve(FILE_NAME);
        Path unfinished = dataDirectory.resolve(FILE_NAME + ".new");
        try {
            Files.deleteIfExists(unfinished);
            try (FileChannel channel = FileChannel.open(
                    unfinished,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
                ByteBuffer bytes = ByteBuffer.wrap(key);
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(unfinished, file);
            try (FileChannel directory = FileChannel.open(dataDirectory, StandardOpenOption.READ)) {
                directory.force(true);
            }
            return new SealingKey(key, random);
        } catch (IOException e) {
            throw new StoreException(StoreException.Kind.IO, "cannot make " + file + ": " + e.getMessage(), e);
        }
    }

    /** The secret of the access key {@code id} as it may be stored; it can be opened for this id only. */
    String seal(String id, String secret) {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = crypt(Cipher.ENCRYPT_MODE, id, nonce, secret.getBytes(StandardCharsets.UTF_8))
                .orElseThrow();
        byte[] both = Arrays.copyOf(nonce, NONCE_BYTES + sealed.length);
        System.arraycopy(sealed, 0, both, NONCE_BYTES, sealed.length);
        return Base64.getEncoder().encodeToString(both);
    }

    /** What was sealed; empty if it was sealed with another key, for another id, or changed since. */
    Optional<String> open(String id, String sealed) {
        try {
            byte[] both = Base64.getDecoder().decode(sealed);
            if (both.length < NONCE_BYTES) {
                return Optional.empty();
            }
            byte[] nonce = Arrays.copyOf(both, NONCE_BYTES);
            return crypt(Cipher.DECRYPT_MODE, id, nonce, Arrays.copyOfRange(both, NONCE_BYTES, both.length))
                    .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // not even base64: changed since
        }
    }

    private Optional<byte[]> crypt(int mode, String id, byte[] nonce, byte[] bytes) {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(id.getBytes(StandardCharsets.UTF_8));
            return Optional.of(cipher.doFinal(bytes));
        } catch (javax.crypto.AEADBadTagException e) {
            return Optional.empty();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has AES-GCM", e);
        }
    }
}
