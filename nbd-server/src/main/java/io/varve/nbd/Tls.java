package io.varve.nbd;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes TLS engines (proto.md, "TLS support", "TLS versions") from certificates that may be renewed while the server
 * runs. Files are read, and the heavy steps of handshakes taken, on threads of its own, never on a loop. Thread-safe.
 */
final class Tls implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Tls.class);
    private static final int THREADS = 2;

    private final TlsSettings settings;
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS, task -> {
        Thread thread = new Thread(task, "tls");
        thread.setDaemon(true);
        return thread;
    });
    private final Renewable<Loaded> loaded;

    /** What was read from the files. */
    private record Loaded(SslContext context, ClientRules rules) {}

    /** An engine for one connection, and the rules that hold for it. */
    record Engine(SSLEngine engine, ClientRules rules) {}

    /**
     * Reads the files. Blocks.
     *
     * @throws IllegalArgumentException if one of them cannot be read or makes no sense
     */
    Tls(TlsSettings settings) {
        this.settings = settings;
        try {
            loaded = new Renewable<>(settings.files(), this::load);
        } catch (RuntimeException e) {
            threads.shutdown();
            throw new IllegalArgumentException("TLS cannot be set up: " + e.getMessage(), e);
        }
    }

    /** Does the heavy work of handshakes. */
    ExecutorService threads() {
        return threads;
    }

    /** Makes an engine, from the files as they are now. */
    CompletableFuture<Engine> newEngine(ByteBufAllocator allocator) {
        return CompletableFuture.supplyAsync(
                () -> {
                    Loaded current = loaded.current();
                    return new Engine(current.context.newEngine(allocator), current.rules);
                },
                threads);
    }

    /** The common name of the certificate that the client has shown; empty for none. */
    static String clientName(SSLEngine engine) {
        try {
            return commonName(engine.getSession().getPeerPrincipal().getName());
        } catch (SSLPeerUnverifiedException anonymous) {
            return "";
        }
    }

    private static String commonName(String distinguishedName) {
        try {
            for (Rdn part : new LdapName(distinguishedName).getRdns()) {
                if (part.getType().equalsIgnoreCase("CN")) {
                    return part.getValue().toString();
                }
            }
        } catch (InvalidNameException e) {
            LOG.warn("a client's certificate has a name that makes no sense: {}", distinguishedName);
        }
        return "";
    }

    private Loaded load() throws IOException {
        TlsFiles files = TlsFiles.read(settings);
        SslContextBuilder builder = SslContextBuilder.forServer(files.key(), files.chain())
                .sslProvider(SslProvider.JDK)
                .protocols(TlsFiles.versions());
        if (!files.clientAuthorities().isEmpty()) {
            builder.trustManager(files.clientAuthorities()).clientAuth(ClientAuth.REQUIRE);
        }
        Optional<Path> rulesFile = settings.clientRules();
        ClientRules rules = rulesFile.isPresent() ? ClientRules.read(rulesFile.get()) : ClientRules.NONE;
        return new Loaded(builder.build(), rules);
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
