package io.varve.nbd;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes TLS engines (proto.md, "TLS support", "TLS versions") from certificates that may be renewed while the server runs.
 * Files are read, and the heavy steps of handshakes taken, on threads of its own, never on a loop. Thread-safe.
 */
final class Tls implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Tls.class);
    private static final int THREADS = 2;
    private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

    private final TlsSettings settings;
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS, task -> {
        Thread thread = new Thread(task, "tls");
        thread.setDaemon(true);
        return thread;
    });
    private Loaded loaded;

    /** What was read from the files, and their state when it was. */
    private record Loaded(SslContext context, ClientRules rules, List<Object> fileStates) {}

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
            loaded = load();
        } catch (IOException | RuntimeException e) {
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
                    Loaded current = current();
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

    /** What was loaded, read again if a file was changed; files that make no sense leave it as it was. */
    private synchronized Loaded current() {
        if (!fileStates().equals(loaded.fileStates)) {
            try {
                loaded = load();
                LOG.info("TLS certificates were read again");
            } catch (IOException | RuntimeException e) {
                LOG.error("changed TLS files cannot be used; the ones before stay in use", e);
                loaded = new Loaded(loaded.context, loaded.rules, fileStates());
            }
        }
        return loaded;
    }

    private Loaded load() throws IOException {
        // Taken before the files are read: what changes meanwhile is seen the next time.
        List<Object> states = fileStates();
        SslContextBuilder builder = SslContextBuilder.forServer(
                        settings.certificates().toFile(), settings.key().toFile())
                .sslProvider(SslProvider.JDK)
                .protocols(VERSIONS);
        Optional<Path> authorities = settings.clientAuthorities();
        if (authorities.isPresent()) {
            builder.trustManager(authorities.get().toFile()).clientAuth(ClientAuth.REQUIRE);
        }
        Optional<Path> rulesFile = settings.clientRules();
        ClientRules rules = rulesFile.isPresent() ? ClientRules.read(rulesFile.get()) : ClientRules.NONE;
        return new Loaded(builder.build(), rules, states);
    }

    private List<Object> fileStates() {
        List<Object> states = new ArrayList<>();
        add(states, settings.certificates());
        add(states, settings.key());
        settings.clientAuthorities().ifPresent(file -> add(states, file));
        settings.clientRules().ifPresent(file -> add(states, file));
        return states;
    }

    private static void add(List<Object> states, Path file) {
        try {
            states.add(Files.getLastModifiedTime(file));
            states.add(Files.size(file));
            @Nullable
            Object key = Files.readAttributes(file, java.nio.file.attribute.BasicFileAttributes.class)
                    .fileKey();
            states.add(String.valueOf(key));
        } catch (IOException e) {
            states.add("unreadable");
        }
    }

    @Override
    public void close() {
        threads.shutdown();
    }
}
