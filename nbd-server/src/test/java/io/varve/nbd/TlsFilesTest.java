package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and keys as they stand in files. */
@RequiresTools("openssl")
class TlsFilesTest {
    @TempDir
    private Path directory;

    private Certificates authority;

    @BeforeEach
    void make() {
        authority = Certificates.create(directory.resolve("ca")).server("ec");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ec", "rsa"})
    void aCertificateAndItsKeyAreRead(String kind) throws IOException {
        authority.server(kind);

        TlsFiles files = TlsFiles.read(settings(Optional.of(authority.authority())));

        assertThat(files.chain()).hasSize(1);
        assertThat(files.clientAuthorities()).hasSize(1);
        assertThat(files.key().getAlgorithm()).isEqualToIgnoringCase(kind);
        assertThat(files.toString()).doesNotContain("key");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ec", "rsa"})
    void anotherKeyIsRefused(String kind) throws IOException {
        Certificates other = Certificates.create(directory.resolve("other")).server(kind);
        Files.copy(other.serverKey(), authority.serverKey(), StandardCopyOption.REPLACE_EXISTING);

        assertThatThrownBy(() -> TlsFiles.read(settings(Optional.empty())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("server-key.pem is not the key of the certificate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"})
    void whatIsNoKeyOrNoCertificateIsRefused(String text) throws IOException {
        String key = Files.readString(authority.serverKey());
        Files.writeString(authority.serverKey(), text);
        assertThatThrownBy(() -> TlsFiles.read(settings(Optional.empty())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("server-key.pem");
        Files.writeString(authority.serverKey(), key);
        Files.writeString(authority.serverCertificate(), text);
        assertThatThrownBy(() -> TlsFiles.read(settings(Optional.empty())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("server-cert.pem");
    }

    @Test
    void anAuthorityThatIsNotThereIsNamed() {
        Path nowhere = directory.resolve("nowhere.pem");

        assertThatThrownBy(() -> TlsFiles.read(settings(Optional.of(nowhere))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("there is no file " + nowhere);
    }

    private TlsSettings settings(Optional<Path> authorities) {
        return new TlsSettings(authority.serverCertificate(), authority.serverKey(), authorities, Optional.empty());
    }
}
