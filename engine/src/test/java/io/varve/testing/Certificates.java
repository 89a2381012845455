package io.varve.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;

/**
 * An authority of certificates in a directory, made with {@code openssl}. The names of the files are those that libnbd
 * and QEMU look for.
 */
public record Certificates(Path directory) {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Makes a new authority. */
    public static Certificates create(Path directory) {
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Certificates authority = new Certificates(directory);
        authority.openssl(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
                "-subj",
                "/CN=authority",
                "-keyout",
                authority.file("ca-key.pem").toString(),
                "-out",
                authority.file("ca-cert.pem").toString());
        return authority;
    }

    public Path authority() {
        return file("ca-cert.pem");
    }

    /** A server's certificate for the loopback addresses, and its key. */
    public Certificates server(String kind) {
        return server(kind, "DNS:localhost,IP:127.0.0.1");
    }

    /** A server's certificate for other names, as openssl writes a subjectAltName, and its key. */
    public Certificates server(String kind, String names) {
        issue("server", "server", kind, "subjectAltName=" + names);
        return this;
    }

    public Path serverCertificate() {
        return file("server-cert.pem");
    }

    public Path serverKey() {
        return file("server-key.pem");
    }

    /** A directory with what a client of that name shows: what libnbd's {@code tls-certificates} means. */
    public Path client(String name) {
        issue(name, name, "ec", "extendedKeyUsage=clientAuth");
        Path clientDirectory = file("client-" + name);
        try {
            Files.createDirectories(clientDirectory);
            Files.copy(authority(), clientDirectory.resolve("ca-cert.pem"), StandardCopyOption.REPLACE_EXISTING);
            Files.copy(
                    file(name + "-cert.pem"),
                    clientDirectory.resolve("client-cert.pem"),
                    StandardCopyOption.REPLACE_EXISTING);
            Files.copy(
                    file(name + "-key.pem"),
                    clientDirectory.resolve("client-key.pem"),
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return clientDirectory;
    }

    private void issue(String file, String commonName, String kind, String extension) {
        String[] key = kind.equals("ec")
                ? new String[] {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}
                : new String[] {"-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_bits:2048"};
        openssl(
                "req",
                key[0],
                key[1],
                key[2],
                key[3],
                "-nodes",
                "-subj",
                "/O=varve/CN=" + commonName,
                "-addext",
                extension,
                "-keyout",
                file(file + "-key.pem").toString(),
                "-out",
                file(file + ".csr").toString());
        openssl(
                "x509",
                "-req",
                "-days",
                "30",
                "-copy_extensions",
                "copy",
                "-CAcreateserial",
                "-CA",
                authority().toString(),
                "-CAkey",
                file("ca-key.pem").toString(),
                "-in",
                file(file + ".csr").toString(),
                "-out",
                file(file + "-cert.pem").toString());
    }

    private Path file(String name) {
        return directory.resolve(name);
    }

    private void openssl(String... arguments) {
        String[] command = new String[arguments.length + 1];
        command[0] = "openssl";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        Tools.run(PATIENCE, command).succeeded();
    }
}
