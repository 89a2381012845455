package io.varve.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.nbd.TlsSettings;
import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Nothing listens beyond loopback without TLS and a credential unless the operator insists (law 11). */
class ListeningRulesTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "0", "[::]", "[::ffff:0.0.0.0]", "[::0.0.0.0]", "[::127.0.0.1]", "192.0.2.1"})
    void anAddressThatOthersReachIsRefusedHoweverItIsWritten(String host) {
        assertThatThrownBy(() -> start(host, false, false))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("other machines")
                .hasMessageContaining("--api-tls-cert");
        assertThatThrownBy(() -> new ListenAddress(host, 0).resolveNbd("--nbd", false))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("other machines");
        assertThat(directory.resolve("data"))
                .as("refused before anything is opened")
                .doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "127.9.9.9", "localhost", "[::1]", "[::ffff:127.0.0.1]"})
    void loopbackIsNotHoweverItIsWritten(String host) {
        assertThat(new ListenAddress(host, 0)
                        .resolveApi("--api", false)
                        .getAddress()
                        .isLoopbackAddress())
                .isTrue();
        assertThat(new ListenAddress(host, 0)
                        .resolveNbd("--nbd", false)
                        .getAddress()
                        .isLoopbackAddress())
                .isTrue();
    }

    @Test
    void aNameIsWorthTheAddressThatIsBound() throws UnknownHostException {
        String name = InetAddress.getLocalHost().getHostName();
        ListenAddress address = new ListenAddress(name, 0);

        InetAddress resolved = InetAddress.getByName(name);
        if (resolved.isLoopbackAddress()) {
            assertThat(address.resolveApi("--api", false).getAddress()).isEqualTo(resolved);
        } else {
            assertThatThrownBy(() -> address.resolveApi("--api", false)).isInstanceOf(StartException.class);
        }
    }

    @RequiresTools("openssl")
    @ParameterizedTest
    @CsvSource({"false, none", "true, none", "false, token", "false, access-key"})
    void beyondLoopbackTlsAndACredentialAreBothNeeded(boolean tls, String credential) {
        makeCredential(credential);

        assertThatThrownBy(() -> start("0.0.0.0", tls, false))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("--insecure")
                .hasMessageContaining(tls ? "no credential" : "TLS");
        assertThat(directory.resolve("nbd.sock")).as("nothing listens").doesNotExist();
    }

    @RequiresTools("openssl")
    @ParameterizedTest
    @ValueSource(strings = {"token", "access-key"})
    void withBothItListensAndNobodyElseIsLetIn(String credential) throws IOException {
        makeCredential(credential);

        try (RunningServer server = start("0.0.0.0", true, false)) {
            TlsClient client = TlsClient.trusting(directory.resolve("ca/ca-cert.pem"));
            assertThat(client.status(server.apiPort(), "/healthz", "Host: localhost"))
                    .isEqualTo(200);
            assertThat(client.status(server.apiPort(), "/v1/volumes", "Host: localhost"))
                    .as("a door without credentials of its own is shut")
                    .isEqualTo(401);
            assertThat(client.status(server.apiPort(), "/snapshots/x/blocks", "Host: localhost"))
                    .isEqualTo(403);
            assertThat(server.daemon().openDoors()).isEmpty();
        }
    }

    @Test
    void insecureIsTheWordForIt() {
        try (RunningServer server = start("0.0.0.0", false, true)) {
            assertThat(server.daemon().apiUri()).startsWith("http://0.0.0.0:");
            assertThat(server.daemon().openDoors()).isPresent();
        }
    }

    @Test
    void theDoorOfNbdIsCheckedToo() {
        ServeSettings base = RunningServer.settings(directory);
        NbdSettings open =
                NbdSettings.plain(new ListenAddress("0.0.0.0", 0), base.nbd().socket());
        ServeSettings settings = new ServeSettings(
                base.data(),
                open,
                base.api(),
                false,
                base.memory(),
                base.ballastBytes(),
                base.scrubBytesPerSecond(),
                base.attachedOnly(),
                base.importDirectory(),
                base.control());

        assertThatThrownBy(() -> Daemon.start(settings, Main.ENGINE))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("--nbd 0.0.0.0:0 is refused");
        assertThat(directory.resolve("nbd.sock")).doesNotExist();
    }

    private void makeCredential(String kind) {
        if (kind.equals("none")) {
            return;
        }
        try (RunningServer server = RunningServer.on(directory)) {
            String path = kind.equals("token") ? "/v1/tokens" : "/v1/access-keys";
            assertThat(server.api()
                            .post(path, new JsonObject().put("role", "administer"))
                            .status())
                    .isEqualTo(201);
        }
    }

    private RunningServer start(String host, boolean withTls, boolean insecure) {
        Optional<TlsSettings> tls = withTls ? Optional.of(tls()) : Optional.empty();
        return RunningServer.on(directory, new ApiSettings(new ListenAddress(host, 0), tls), insecure);
    }

    private TlsSettings tls() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        return new TlsSettings(
                authority.serverCertificate(), authority.serverKey(), Optional.empty(), Optional.empty());
    }
}
