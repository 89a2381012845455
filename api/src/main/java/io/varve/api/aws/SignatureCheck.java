package io.varve.api.aws;

import io.varve.api.access.AccessKey;
import io.varve.api.access.AccessKeys;
import io.varve.api.access.Caller;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Checks Signature Version 4: that whoever sent a request has the secret of the access key that it names, and signed
 * this request, and not long ago. A request can be repeated by who has seen it as long as its date is good, as with
 * AWS.
 */
final class SignatureCheck {
    private static final String CONTENT_HASH = "x-amz-content-sha256";
    private static final String UNSIGNED = "UNSIGNED-PAYLOAD";

    private final AccessKeys keys;
    private final InstantSource clock;

    SignatureCheck(AccessKeys keys, InstantSource clock) {
        this.keys = keys;
        this.clock = clock;
    }

    /** Turns away who is nobody before anything is spent on him. Fails with UNKNOWN_KEY. */
    void requireKnown(Signature signature) {
        if (!keys.open()) {
            key(signature);
        }
    }

    private AccessKey key(Signature signature) {
        return keys.find(signature.keyId())
                .orElseThrow(() -> new AccessException(
                        AccessFault.UNKNOWN_KEY, "there is no access key " + signature.keyId() + " here"));
    }

    /** Whose request it is. Fails with UNKNOWN_KEY, EXPIRED, INCOMPLETE_SIGNATURE or WRONG_SIGNATURE. */
    Caller caller(String method, String path, RawQuery query, MultiMap headers, Signature signature, Buffer body) {
        if (keys.open()) {
            return Caller.OPEN;
        }
        AccessKey key = key(signature);
        requireFresh(signature);
        requireAllSigned(headers, signature);
        String canonical = CanonicalRequest.of(
                method, path, query, headers, signature.signedHeaders(), payloadHash(headers, body));
        String expected = sign(key.secret(), signature, canonical);
        if (!MessageDigest.isEqual(
                expected.getBytes(StandardCharsets.US_ASCII),
                signature.signature().getBytes(StandardCharsets.US_ASCII))) {
            throw wrong("the signature does not match: check the secret access key and how the request is signed");
        }
        return key.caller();
    }

    private void requireFresh(Signature signature) {
        Instant signed = signature.time();
        Instant now = clock.instant();
        Duration skew = Duration.ofSeconds(AwsLimits.SKEW_SECONDS);
        Duration life = signature.expires().map(Duration::ofSeconds).orElse(skew);
        if (signed.isAfter(now.plus(skew)) || signed.plus(life).isBefore(now)) {
            throw new AccessException(
                    AccessFault.EXPIRED,
                    "the request was signed at %s and is good for %s; the server's time is %s"
                            .formatted(signed, life, now));
        }
    }

    /** What is for AWS has to be signed, and once, so that nobody can add to a request. */
    private static void requireAllSigned(MultiMap headers, Signature signature) {
        for (String name : signature.signedHeaders()) {
            if (!headers.contains(name)) {
                throw wrong("the header " + name + " is signed, but is not there");
            }
        }
        for (String name : headers.names()) {
            String lower = name.toLowerCase(Locale.ROOT);
            if (lower.startsWith("x-amz-") && !signature.signedHeaders().contains(lower)) {
                throw wrong("the header " + lower + " is not signed");
            }
        }
    }

    private static String payloadHash(MultiMap headers, Buffer body) {
        List<String> said = headers.getAll(CONTENT_HASH);
        if (said.size() > 1) {
            throw new AccessException(AccessFault.INCOMPLETE_SIGNATURE, CONTENT_HASH + " is given more than once");
        }
        if (said.size() == 1 && said.get(0).equals(UNSIGNED)) {
            return UNSIGNED;
        }
        if (said.size() == 1 && said.get(0).startsWith("STREAMING-")) {
            throw new AccessException(
                    AccessFault.INCOMPLETE_SIGNATURE, "bodies signed in chunks are not taken; sign it whole");
        }
        String hash = hash(body.getBytes());
        if (said.size() == 1 && !said.get(0).equals(hash)) {
            throw wrong("the body is not the one that " + CONTENT_HASH + " was made of");
        }
        return hash;
    }

    /** The signature that a request should have: 64 hexadecimal digits. */
    static String sign(String secret, Signature signature, String canonicalRequest) {
        String text = String.join(
                "\n",
                Signature.ALGORITHM,
                signature.timestamp(),
                signature.scope(),
                hash(canonicalRequest.getBytes(StandardCharsets.UTF_8)));
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String part : signature.scope().split("/", -1)) {
            key = hmac(key, part);
        }
        return HexFormat.of().formatHex(hmac(key, text));
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HMAC-SHA256", e);
        }
    }

    static String hash(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static AccessException wrong(String why) {
        return new AccessException(AccessFault.WRONG_SIGNATURE, why);
    }
}
