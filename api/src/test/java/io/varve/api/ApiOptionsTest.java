package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.nbd.TlsSettings;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What the options of the API come to, and which of them are refused. */
class ApiOptionsTest {
    @Command
    private static final class Host {
        @Mixin
        ApiOptions api = new ApiOptions();
    }

    @Test
    void withoutAWordItIsLoopbackInTheClear() {
        assertThat(settings("", new Properties()))
                .isEqualTo(new ApiSettings(new ListenAddress("127.0.0.1", 7080), Optional.empty()));
    }

    @Test
    void aCertificateAndAKeyMakeItHttps() {
        ApiSettings settings =
                settings("--api [::1]:0 --api-tls-cert c --api-tls-key k --api-tls-client-ca a", new Properties());

        assertThat(settings.scheme()).isEqualTo("https");
        assertThat(settings.address()).isEqualTo(new ListenAddress("[::1]", 0));
        assertThat(settings.tls())
                .contains(new TlsSettings(Path.of("c"), Path.of("k"), Optional.of(Path.of("a")), Optional.empty()));
    }

    @Test
    void theConfigurationFileSaysTheSameAndTheOptionsHold() {
        Properties file = new Properties();
        file.setProperty("api", "127.0.0.1:1");
        file.setProperty("api-tls-cert", "c");
        file.setProperty("api-tls-key", "k");
        file.setProperty("api-tls-client-ca", "a");

        ApiSettings settings = settings("--api 127.0.0.1:2 --api-tls-key other", file);

        assertThat(settings.address().port()).isEqualTo(2);
        assertThat(settings.tls().orElseThrow().key()).isEqualTo(Path.of("other"));
        assertThat(settings.tls().orElseThrow().clientAuthorities()).contains(Path.of("a"));
        assertThat(ApiOptions.KEYS).containsExactlyInAnyOrderElementsOf(file.stringPropertyNames());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--api-tls-cert c", "--api-tls-key k", "--api-tls-client-ca a", "--api nowhere"})
    void whatMakesNoSenseIsRefused(String arguments) {
        assertThatThrownBy(() -> settings(arguments, new Properties())).isInstanceOf(StartException.class);
    }

    private static ApiSettings settings(String arguments, Properties file) {
        Host host = new Host();
        new CommandLine(host).parseArgs(arguments.isEmpty() ? new String[0] : arguments.split(" "));
        return host.api.settings(file);
    }
}
