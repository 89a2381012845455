package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.nbd.Listener;
import io.varve.nbd.NbdServerOptions;
import io.varve.nbd.TlsMode;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What the options of NBD come to, and which of them are refused. */
class NbdOptionsTest {
    private static final String TLS = "--nbd-tls-cert c --nbd-tls-key k";
    private static final String CLIENTS = TLS + " --nbd-tls-client-ca a";

    @Command
    private static final class Host {
        @Mixin
        NbdOptions nbd = new NbdOptions();
    }

    @Test
    void withoutAWordItIsTheWellKnownPortInTheClear() {
        Listener only = listeners("").get(0);

        assertThat(only.endpoint())
                .isInstanceOfSatisfying(
                        Listener.Tcp.class,
                        tcp -> assertThat(tcp.address().getPort()).isEqualTo(10809));
        assertThat(only.access().tls()).isEqualTo(TlsMode.OFF);
    }

    @Test
    void aCertificateMakesTlsRequired() {
        assertThat(listeners(TLS).get(0).access().tls()).isEqualTo(TlsMode.REQUIRED);
        assertThat(listeners(TLS + " --nbd-tls optional").get(0).access().tls()).isEqualTo(TlsMode.OPTIONAL);
    }

    @Test
    void morePlacesHaveTheirOwnRules() {
        List<Listener> all = listeners(
                TLS + " --nbd-listen [::1]:0,tls=optional --nbd-listen /run/x,mode=0660,read-only --nbd-socket /run/y");

        assertThat(all).hasSize(4);
        assertThat(all.get(2).access().tls()).isEqualTo(TlsMode.OPTIONAL);
        assertThat(all.get(3).access().readOnly()).isTrue();
        assertThat(all.get(3).endpoint())
                .isInstanceOfSatisfying(
                        Listener.Unix.class,
                        unix -> assertThat(unix.mode()).isEqualTo(PosixFilePermissions.fromString("rw-rw----")));
        assertThat(all.get(1).endpoint())
                .isInstanceOfSatisfying(
                        Listener.Unix.class,
                        unix -> assertThat(unix.mode()).isEqualTo(PosixFilePermissions.fromString("rw-------")));
    }

    @Test
    void socketsPassedToThisProcessReplaceTheDefault() {
        Map<String, String> environment = Map.of("LISTEN_PID", "77", "LISTEN_FDS", "2");

        assertThat(settings("", environment, 77).inherited()).containsExactly(3, 4);
        assertThat(settings("", environment, 77).tcp()).isEmpty();
        assertThat(settings("", environment, 78).inherited()).as("not ours").isEmpty();
        assertThat(settings("--nbd 127.0.0.1:0", environment, 77).tcp()).isPresent();
    }

    @Test
    void otherMachinesAreLetInOverTlsIfAnAuthorityVouchesForThem() {
        assertThat(listeners(CLIENTS + " --nbd 0.0.0.0:0")).hasSize(1);
        assertThat(listeners(CLIENTS + " --nbd-listen 0.0.0.0:0,tls=required")).hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nbd 0.0.0.0:0",
                TLS + " --nbd 0.0.0.0:0",
                CLIENTS + " --nbd-tls optional --nbd 0.0.0.0:0",
                CLIENTS + " --nbd-listen 0.0.0.0:0",
                "--nbd-listen 0.0.0.0:0"
            })
    void otherMachinesAreKeptOutOtherwise(String arguments) {
        assertThatThrownBy(() -> listeners(arguments))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("authentication")
                .hasMessageContaining("--insecure");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--nbd-tls required",
                "--nbd-tls perhaps " + TLS,
                "--nbd-tls-cert c",
                "--nbd-tls-key k",
                "--nbd-tls-client-ca a",
                TLS + " --nbd-tls-clients r",
                "--nbd-listen 127.0.0.1:0,tls=required",
                "--nbd-listen 127.0.0.1:0,nonsense",
                "--nbd-listen nowhere",
                "--nbd-listen /x,mode=rw",
                "--nbd-socket /x --nbd-socket-mode 9999"
            })
    void whatMakesNoSenseIsRefused(String arguments) {
        assertThatThrownBy(() -> listeners(arguments)).isInstanceOf(StartException.class);
    }

    @Test
    void theConfigurationFileSaysTheSame() {
        Properties file = new Properties();
        file.setProperty("nbd", "127.0.0.1:0");
        file.setProperty("nbd-listen", "/run/a,read-only 127.0.0.1:0");
        file.setProperty("nbd-socket", "/run/b");
        file.setProperty("nbd-socket-mode", "660");

        NbdSettings settings = new NbdOptions().settings(file, Map.of(), 1);

        assertThat(settings.options(false).listeners()).hasSize(4);
        assertThat(NbdOptions.KEYS).containsAll(file.stringPropertyNames());
    }

    private static List<Listener> listeners(String arguments) {
        NbdServerOptions options = settings(arguments, Map.of(), 1).options(false);
        return options.listeners();
    }

    private static NbdSettings settings(String arguments, Map<String, String> environment, long pid) {
        Host host = new Host();
        new CommandLine(host).parseArgs(arguments.isEmpty() ? new String[0] : arguments.split(" "));
        return host.nbd.settings(new Properties(), environment, pid);
    }
}
