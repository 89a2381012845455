package io.varve.api.rest;

import io.varve.nbd.Renewable;
import io.varve.nbd.TlsFiles;
import io.varve.nbd.TlsSettings;
import io.vertx.core.Vertx;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.JdkSSLEngineOptions;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.ServerSSLOptions;
import io.vertx.core.net.TrustOptions;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS of the API's port, from certificates that may be renewed while the server runs: changed files hold for the
 * connections that come a second later.
 */
final class HttpTls {
    private static final Logger LOG = LoggerFactory.getLogger(HttpTls.class);
    private static final char[] NO_PASSWORD = {};
    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;

    private final Renewable<Identity> files;
    private volatile Identity used;

    /** What a server shows, and the names in it. */
    private record Identity(ServerSSLOptions options, Set<String> names) {}

    /**
     * Reads the files. Blocks.
     *
     * @throws IllegalArgumentException if one of them cannot be read or makes no sense
     */
    HttpTls(TlsSettings settings) {
        try {
            files = new Renewable<>(settings.files(), () -> identity(TlsFiles.read(settings)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("TLS of the API cannot be set up: " + e.getMessage(), e);
        }
        used = files.current();
    }

    /** Has a server speak TLS, with HTTP/1.1 over it, and take the heavy steps of handshakes off its loop. */
    void applyTo(HttpServerOptions server) {
        ServerSSLOptions options = used.options;
        server.setSsl(true)
                .setUseAlpn(false)
                .setSslEngineOptions(new JdkSSLEngineOptions().setUseWorkerThread(true))
                .setKeyCertOptions(options.getKeyCertOptions())
                .setTrustOptions(options.getTrustOptions())
                .setClientAuth(options.getClientAuth())
                .setEnabledSecureTransportProtocols(options.getEnabledSecureTransportProtocols())
                .setSslHandshakeTimeout(options.getSslHandshakeTimeout())
                .setSslHandshakeTimeoutUnit(options.getSslHandshakeTimeoutUnit());
    }

    /** The host names and addresses that the certificate is for, in lower case. */
    Set<String> names() {
        return used.names;
    }

    /** Looks every second whether the files were changed. */
    void watch(Vertx vertx, HttpServer server) {
        vertx.setPeriodic(
                RestLimits.TLS_RENEWAL_MILLIS,
                timer -> vertx.<Identity>executeBlocking(files::current).onSuccess(now -> renew(server, now)));
    }

    private void renew(HttpServer server, Identity now) {
        if (now.equals(used)) {
            return;
        }
        used = now;
        server.updateSSLOptions(now.options, true)
                .onFailure(problem -> LOG.error("the API goes on with the certificate before", problem));
    }

    private static Identity identity(TlsFiles read) throws IOException {
        try {
            ServerSSLOptions options = new ServerSSLOptions()
                    .setKeyCertOptions(KeyCertOptions.wrap(keyManagers(read)))
                    .setEnabledSecureTransportProtocols(Set.copyOf(TlsFiles.versions()))
                    .setUseAlpn(false)
                    .setSslHandshakeTimeout(RestLimits.TLS_HANDSHAKE_SECONDS)
                    .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS);
            if (!read.clientAuthorities().isEmpty()) {
                options.setClientAuth(ClientAuth.REQUIRED)
                        .setTrustOptions(TrustOptions.wrap(trustManagers(read.clientAuthorities())));
            }
            return new Identity(options, names(read.chain().get(0)));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static KeyManagerFactory keyManagers(TlsFiles read) throws GeneralSecurityException, IOException {
        KeyStore store = emptyStore();
        store.setKeyEntry("server", read.key(), NO_PASSWORD, read.chain().toArray(X509Certificate[]::new));
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, NO_PASSWORD);
        return factory;
    }

    private static TrustManagerFactory trustManagers(List<X509Certificate> authorities)
            throws GeneralSecurityException, IOException {
        KeyStore store = emptyStore();
        for (X509Certificate authority : authorities) {
            store.setCertificateEntry(String.valueOf(store.size()), authority);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory;
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, NO_PASSWORD);
        return store;
    }

    /** The names that clients hold a certificate against (RFC 9525, section 2): never the common name. */
    private static Set<String> names(X509Certificate certificate) throws CertificateParsingException {
        return Optional.ofNullable(certificate.getSubjectAlternativeNames()).orElse(Set.of()).stream()
                .filter(name -> Set.of(DNS_NAME, IP_ADDRESS).contains((Integer) name.get(0)))
                .map(name -> String.valueOf(name.get(1)).toLowerCase(Locale.ROOT))
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
