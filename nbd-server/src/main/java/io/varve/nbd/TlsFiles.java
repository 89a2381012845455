package io.varve.nbd;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the PEM files of {@link TlsSettings} hold.
 *
 * @param key the private key, which is that of the first certificate
 * @param chain the server's certificate, and those that lead to its authority
 * @param clientAuthorities whoever shows no certificate of one of these is turned away; empty to take anyone
 */
public record TlsFiles(PrivateKey key, List<X509Certificate> chain, List<X509Certificate> clientAuthorities) {
    private static final Pattern PKCS8 =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");

    /** The versions of TLS that are spoken. */
    public static List<String> versions() {
        return List.of("TLSv1.3", "TLSv1.2");
    }

    /**
     * Reads them.
     *
     * @throws IllegalArgumentException if they make no sense, or the key is not that of the certificate, as it is for
     *     a moment when they are renewed one after the other
     */
    public static TlsFiles read(TlsSettings settings) throws IOException {
        try {
            List<X509Certificate> chain = certificates(settings.certificates());
            PrivateKey key = key(settings.key(), chain.get(0).getPublicKey());
            List<X509Certificate> authorities = settings.clientAuthorities().isPresent()
                    ? certificates(settings.clientAuthorities().get())
                    : List.of();
            return new TlsFiles(key, chain, authorities);
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + e.getMessage(), e);
        }
    }

    private static List<X509Certificate> certificates(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            List<X509Certificate> certificates =
                    CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
                            .map(X509Certificate.class::cast)
                            .toList();
            if (certificates.isEmpty()) {
                throw new IllegalArgumentException("there is no certificate in " + file);
            }
            return certificates;
        } catch (CertificateException e) {
            throw new IllegalArgumentException("%s is no certificate in PEM: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static PrivateKey key(Path file, PublicKey certified) throws IOException {
        Matcher pem = PKCS8.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!pem.find()) {
            throw new IllegalArgumentException(file
                    + " is no private key in PEM, PKCS #8 without a password; openssl pkcs8 -topk8 -nodes makes it so");
        }
        byte[] encoded = Base64.getMimeDecoder().decode(pem.group(1));
        try {
            PrivateKey key =
                    KeyFactory.getInstance(certified.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(encoded));
            if (areOnePair(key, certified)) {
                return key;
            }
        } catch (GeneralSecurityException e) {
            throw notTheKey(file, certified, e);
        }
        throw notTheKey(file, certified, null);
    }

    /** What one has signed, the other verifies. */
    private static boolean areOnePair(PrivateKey key, PublicKey certified) throws GeneralSecurityException {
        String algorithm = certified.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
        byte[] message = "a message".getBytes(StandardCharsets.US_ASCII);
        Signature signing = Signature.getInstance(algorithm);
        signing.initSign(key);
        signing.update(message);
        Signature verifying = Signature.getInstance(algorithm);
        verifying.initVerify(certified);
        verifying.update(message);
        return verifying.verify(signing.sign());
    }

    private static IllegalArgumentException notTheKey(Path file, PublicKey certified, @Nullable Throwable cause) {
        return new IllegalArgumentException(
                "%s is not the key of the certificate, which is for one of kind %s (RSA and EC are taken)"
                        .formatted(file, certified.getAlgorithm()),
                cause);
    }

    /** Never shows the key. */
    @Override
    public String toString() {
        return chain.get(0).getSubjectX500Principal().toString();
    }
}
