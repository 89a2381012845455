package io.varve.api.access;

import io.varve.api.control.CredentialEntry;
import io.varve.api.control.Entries;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.RequestException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Access keys for the AWS faces and API tokens for the native API. Each kind opens a door of its own: where the
 * operator lets it be open, a door is so as long as there is no credential for it. Looking up waits for nothing; making
 * and removing block. Thread-safe.
 */
public final class Credentials implements AccessKeys {
    /** The kind of access keys. */
    public static final String ACCESS_KEY = "access-key";

    /** The kind of API tokens. */
    public static final String TOKEN = "token";

    /** How many there may be of each kind: all are in memory, and lists have one page. */
    static final int MOST = 1000;

    private static final Logger LOG = LoggerFactory.getLogger(Credentials.class);
    private static final String BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private static final int KEY_ID_CHARS = 16;
    private static final int TOKEN_ID_BYTES = 9;
    private static final int TOKEN_ID_DIGITS = 17;
    private static final int SECRET_BYTES = 30;

    private final Entries<CredentialEntry> durable;
    private final Path dataDirectory;
    private final SecureRandom random;
    private final InstantSource clock;
    private final boolean mayBeOpen;
    private final Map<String, CredentialEntry> entries = new ConcurrentHashMap<>();
    private final Map<String, AccessKey> keys = new ConcurrentHashMap<>();
    private final Map<String, Caller> tokens = new ConcurrentHashMap<>();
    private Optional<SealingKey> sealing;

    /**
     * Reads what there is. Blocks.
     *
     * @param dataDirectory where the key is that secrets are sealed with
     * @param mayBeOpen false if other machines reach the server, so that a door without credentials is shut
     * @throws io.varve.engine.StoreException if the sealing key cannot be read
     */
    public Credentials(
            Entries<CredentialEntry> durable,
            Path dataDirectory,
            SecureRandom random,
            InstantSource clock,
            boolean mayBeOpen) {
        this.durable = durable;
        this.dataDirectory = dataDirectory;
        this.random = random;
        this.clock = clock;
        this.mayBeOpen = mayBeOpen;
        sealing = SealingKey.read(dataDirectory, random);
        durable.all().forEach(this::keep);
    }

    /**
     * A credential that was made, with what is shown only once.
     *
     * @param secret what requests are signed with, or the token itself
     */
    public record Made(CredentialEntry entry, String secret) {}

    private void keep(CredentialEntry entry) {
        Optional<Role> role = Role.named(entry.role());
        if (role.isEmpty()) {
            LOG.error("{} is not let in: there is no such role", entry);
        } else if (entry.kind().equals(TOKEN)) {
            tokens.put(entry.secret(), new Caller(entry.id(), role.get()));
        } else {
            Optional<String> secret = sealing.flatMap(key -> key.open(entry.id(), entry.secret()));
            if (secret.isEmpty()) {
                LOG.error("{} is not let in: {} is not what it was sealed with", entry, SealingKey.FILE_NAME);
            }
            secret.ifPresent(text -> keys.put(entry.id(), new AccessKey(new Caller(entry.id(), role.get()), text)));
        }
        entries.put(entry.id(), entry); // even if it is not let in, it shuts the door
    }

    /** All of one kind, oldest first. */
    public List<CredentialEntry> list(String kind) {
        return entries.values().stream()
                .filter(entry -> entry.kind().equals(kind))
                .sorted(Comparator.comparing(CredentialEntry::createdAt).thenComparing(CredentialEntry::id))
                .toList();
    }

    /** True if there is a token or an access key that lets somebody in. */
    public boolean letSomebodyIn() {
        return !tokens.isEmpty() || !keys.isEmpty();
    }

    private boolean isOpen(String kind) {
        return mayBeOpen
                && entries.values().stream().noneMatch(entry -> entry.kind().equals(kind));
    }

    @Override
    public boolean open() {
        return isOpen(ACCESS_KEY);
    }

    /** True if the native API asks nobody who he is. */
    public boolean openToAll() {
        return isOpen(TOKEN);
    }

    @Override
    public Optional<AccessKey> find(String id) {
        return Optional.ofNullable(keys.get(id));
    }

    /**
     * Who sends a request of the native API.
     *
     * @param authorization the header; empty if there is none
     * @throws RequestException AUTH_FAILURE
     */
    public Caller authenticate(Optional<String> authorization) {
        if (openToAll()) {
            return Caller.OPEN;
        }
        String scheme = "Bearer ";
        return authorization
                .filter(header -> header.regionMatches(true, 0, scheme, 0, scheme.length()))
                .map(header -> tokens.get(hash(header.substring(scheme.length()).strip())))
                .orElseThrow(() -> new RequestException(
                        ErrorCode.AUTH_FAILURE,
                        authorization.isEmpty()
                                ? "a token is needed: Authorization: Bearer TOKEN"
                                : "Authorization has no token that is known here"));
    }

    /** Makes an access key. Fails with RESOURCE_LIMIT_EXCEEDED. */
    public synchronized Made createKey(Role role, Optional<String> name) {
        requireRoom(ACCESS_KEY);
        StringBuilder id = new StringBuilder("AKVA");
        random.ints(KEY_ID_CHARS, 0, BASE32.length()).forEach(index -> id.append(BASE32.charAt(index)));
        String secret = randomText();
        if (sealing.isEmpty()) {
            sealing = Optional.of(SealingKey.make(dataDirectory, random));
        }
        return made(ACCESS_KEY, id.toString(), name, role, sealing.get().seal(id.toString(), secret), secret);
    }

    /**
     * Makes an API token. The first one shuts the door, so it has to be an administrator's. Fails with
     * INVALID_PARAMETER_COMBINATION or RESOURCE_LIMIT_EXCEEDED.
     */
    public synchronized Made createToken(Role role, Optional<String> name) {
        requireRoom(TOKEN);
        if (role != Role.ADMINISTER && administrators() == 0) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_COMBINATION,
                    "role %s is refused: the first token has to have the role administer, because nobody gets in"
                                    .formatted(role.text())
                            + " without a token from then on");
        }
        return newToken(role, name);
    }

    /** Makes an administrator's token for the operator of the store, however many there are. */
    public synchronized Made recoverToken() {
        return newToken(Role.ADMINISTER, Optional.of("recovered"));
    }

    private Made newToken(Role role, Optional<String> name) {
        byte[] digits = new byte[TOKEN_ID_BYTES];
        random.nextBytes(digits);
        String secret = "varve_" + randomText();
        String id = "tok-" + HexFormat.of().formatHex(digits).substring(0, TOKEN_ID_DIGITS);
        return made(TOKEN, id, name, role, hash(secret), secret);
    }

    private Made made(String kind, String id, Optional<String> name, Role role, String kept, String secret) {
        CredentialEntry entry = new CredentialEntry(id, kind, name, role.text(), kept, clock.instant());
        durable.put(entry);
        keep(entry);
        return new Made(entry, secret);
    }

    private void requireRoom(String kind) {
        if (list(kind).size() >= MOST) {
            throw new RequestException(
                    ErrorCode.RESOURCE_LIMIT_EXCEEDED, "there are %d of them already; remove one".formatted(MOST));
        }
    }

    private long administrators() {
        return list(TOKEN).stream()
                .filter(entry -> entry.role().equals(Role.ADMINISTER.text()))
                .count();
    }

    /**
     * Removes one; it is let in no more when this returns. Fails with RESOURCE_NOT_FOUND or OPERATION_NOT_PERMITTED.
     */
    public synchronized void remove(String kind, String id) {
        CredentialEntry entry = entries.get(id);
        if (entry == null || !entry.kind().equals(kind)) {
            throw new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no such " + kind);
        }
        boolean lastAdministrator = kind.equals(TOKEN)
                && entry.role().equals(Role.ADMINISTER.text())
                && administrators() == 1
                && list(TOKEN).size() > 1;
        if (lastAdministrator) {
            throw new RequestException(
                    ErrorCode.OPERATION_NOT_PERMITTED,
                    "%s is the last token with the role administer: remove the other tokens first".formatted(id));
        }
        durable.remove(id);
        keys.remove(id);
        tokens.values().removeIf(caller -> caller.id().equals(id));
        entries.remove(id);
    }

    private String randomText() {
        byte[] bytes = new byte[SECRET_BYTES];
        random.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Tokens have 240 random bits, so that a plain hash is as good as a slow one. */
    private static String hash(String token) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
