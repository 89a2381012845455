package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import io.varve.testing.Certificates;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.cert.Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import javax.net.ssl.SSLContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS, as real clients speak it and as attackers would like to. */
@Timeout(60)
@RequiresTools("openssl")
class TlsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final byte[] NOTHING = {};
    private static final String[] BOTH = {"TLSv1.3", "TLSv1.2"};

    @TempDir
    Path directory;

    private NbdFixture nbd;

    @AfterEach
    void stop() {
        if (nbd != null) {
            nbd.awaitNoConnections();
            nbd.close();
        }
    }

    // ---- real clients ----

    @ParameterizedTest
    @ValueSource(strings = {"ec", "rsa"})
    @RequiresTools({"nbdinfo", "nbdcopy"})
    void libnbdCopiesOverTls(String kind) throws IOException {
        Certificates authority = Certificates.create(directory.resolve("ca")).server(kind);
        start(settings(authority, Optional.empty(), Optional.empty()), TlsMode.REQUIRED);
        Path client = authority.client("somebody");
        Path image = directory.resolve("image");
        Path copy = directory.resolve("copy");
        byte[] data = new byte[NbdFixture.SIZE_BYTES];
        new Random(1).nextBytes(data);
        java.util.Arrays.fill(data, 5 << 20, 20 << 20, (byte) 0);
        Files.write(image, data);

        assertThat(run("nbdinfo", uri(client, "disk"))).contains("newstyle-fixed with TLS");
        run("nbdcopy", "--flush", image.toString(), uri(client, "disk"));
        run("nbdcopy", uri(client, "disk"), copy.toString());

        assertThat(Files.mismatch(image, copy)).isEqualTo(-1);
    }

    @Test
    @RequiresTools("qemu-img")
    void qemuComparesOverTlsAndNotWithout() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        start(settings(authority, Optional.of(authority.authority()), Optional.empty()), TlsMode.REQUIRED);
        Path client = authority.client("somebody");
        int port = nbd.server.tcpAddress().orElseThrow().getPort();
        String image = "driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=" + port + ",export=disk";

        run(
                "qemu-img",
                "compare",
                "--object",
                "tls-creds-x509,id=tls0,endpoint=client,dir=" + client,
                "--image-opts",
                image + ",tls-creds=tls0",
                image + ",tls-creds=tls0");

        Tools.Finished refused = Tools.run(PATIENCE, "qemu-img", "info", "--image-opts", image);
        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.errors()).contains("TLS");
    }

    @Test
    @RequiresTools("nbdinfo")
    void whoeverShowsNoCertificateOfTheAuthorityIsTurnedAway() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        Certificates other = Certificates.create(directory.resolve("other"));
        start(settings(authority, Optional.of(authority.authority()), Optional.empty()), TlsMode.REQUIRED);

        assertThat(run("nbdinfo", uri(authority.client("friend"), "disk"))).contains("export-size");
        nbd.awaitNoConnections();

        String stranger = uri(other.client("stranger"), "disk") + "&tls-verify-peer=false";
        assertThat(Tools.run(PATIENCE, "nbdinfo", stranger).exitCode()).isNotZero();
        Awaitility.await().until(() -> nbd.server.counters().tlsFailures() > 0);
        assertThat(nbd.disk.openHandles).hasValue(0);
    }

    @Test
    @RequiresTools("nbdinfo")
    void aClientSeesAndOpensWhatItsRuleSays() throws IOException {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        Path rules = directory.resolve("rules");
        Files.writeString(rules, "# who may what\nbackup  snap-*\nhost-1 disk nothing-*\n");
        start(settings(authority, Optional.of(authority.authority()), Optional.of(rules)), TlsMode.REQUIRED);
        Path backup = authority.client("backup");
        Path host = authority.client("host-1");
        Path nobody = authority.client("nobody");

        assertThat(run("nbdinfo", "--list", uri(backup, "")))
                .contains(NbdFixture.SNAPSHOT)
                .doesNotContain("disk");
        assertThat(run("nbdinfo", "--size", uri(host, "disk"))).contains("67108864");
        assertThat(Tools.run(PATIENCE, "nbdinfo", uri(backup, "disk")).errors()).contains("No such file or directory");
        assertThat(Tools.run(PATIENCE, "nbdinfo", uri(host, NbdFixture.SNAPSHOT))
                        .exitCode())
                .isNotZero();
        assertThat(Tools.run(PATIENCE, "nbdinfo", uri(nobody, "disk")).exitCode())
                .isNotZero();

        Files.writeString(rules, "nobody *\n");
        assertThat(run("nbdinfo", "--size", uri(nobody, "disk"))).contains("67108864");
        assertThat(Tools.run(PATIENCE, "nbdinfo", uri(host, "disk")).exitCode()).isNotZero();
    }

    @Test
    @RequiresTools("nbdsh")
    void aClientLearnsNoContextsOfWhatItMayNotOpen() throws IOException {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        Path rules = directory.resolve("rules");
        Files.writeString(rules, "host-1 disk\n");
        start(settings(authority, Optional.of(authority.authority()), Optional.of(rules)), TlsMode.REQUIRED);
        nbd.exports.history("disk").remember(NbdFixture.SNAPSHOT);

        assertThat(contexts(authority.client("host-1"), "disk")).contains("varve:changed-since:" + NbdFixture.SNAPSHOT);
        Path nobody = authority.client("nobody");
        assertThat(contexts(nobody, "disk"))
                .isEqualTo(contexts(nobody, "no such disk"))
                .contains("server replied with error");
    }

    /** The contexts of an export that libnbd lists, or the error. */
    private String contexts(Path client, String export) {
        String script = """
                h.set_uri_allow_local_file(True)
                h.set_opt_mode(True)
                h.connect_uri('%s')
                found = []
                try:
                    h.opt_list_meta_context(found.append)
                    print(found)
                except nbd.Error as e:
                    print(e.string)
                h.opt_abort()
                """;
        String[] command = {
            "env", "PATH=/usr/bin:/bin", "nbdsh", "-c", script.formatted(uri(client, export.replace(" ", "%20")))
        };
        return run(command).strip();
    }

    // ---- the wire ----

    @Test
    void whereTlsIsRequiredNothingElseIsAnsweredFirst() {
        startAnonymous(TlsMode.REQUIRED);
        try (WireClient client = tcp()) {
            client.handshake();
            for (int option : new int[] {3, 6, 7, 8, 9, 10, 11, 77}) {
                assertThat(type(client, option, new byte[20])).isEqualTo(HandshakeWire.REP_ERR_TLS_REQD);
            }
            assertThat(type(client, HandshakeWire.OPT_STARTTLS, new byte[1])).isEqualTo(HandshakeWire.REP_ERR_INVALID);
            assertThat(type(client, HandshakeWire.OPT_ABORT, NOTHING)).isEqualTo(HandshakeWire.REP_ACK);
        }
        try (WireClient client = tcp()) {
            client.handshake();
            client.sendOption(HandshakeWire.OPT_EXPORT_NAME, "disk".getBytes(StandardCharsets.UTF_8));
            assertThat(client.closedByServer()).isTrue();
        }
    }

    @Test
    void aListenerInTheClearRefusesTls() {
        startAnonymous(TlsMode.REQUIRED);
        try (WireClient client = nbd.open()) {
            assertThat(client.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
        }
        try (WireClient client = nbd.connect()) {
            client.handshake();
            assertThat(type(client, HandshakeWire.OPT_STARTTLS, NOTHING)).isEqualTo(HandshakeWire.REP_ERR_POLICY);
            client.go("disk");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void everythingNegotiatedInTheClearIsForgotten(String version) {
        startAnonymous(TlsMode.OPTIONAL);
        for (int i = 0; i < 30; i++) {
            try (WireClient client = tcp()) {
                client.handshake();
                client.option(HandshakeWire.OPT_EXTENDED_HEADERS, NOTHING);
                client.option(HandshakeWire.OPT_SET_META_CONTEXT, WireClient.contextQuery("disk", "base:allocation"));
                assertThat(type(client, HandshakeWire.OPT_STARTTLS, NOTHING)).isEqualTo(HandshakeWire.REP_ACK);
                client.startTls(trusting(), version);
                assertThat(client.tlsSession().getProtocol()).isEqualTo(version);

                assertThat(type(client, HandshakeWire.OPT_STARTTLS, NOTHING)).isEqualTo(HandshakeWire.REP_ERR_INVALID);
                List<WireClient.OptionReply> opened =
                        client.option(HandshakeWire.OPT_GO, WireClient.exportRequest("disk"));
                int flags = opened.get(0).data().getShort(10);
                assertThat(flags & (1 << 7 | 1 << 12))
                        .as("DF and payload filter")
                        .isZero();
                client.send(WireClient.request(0, 7, 1, 0, 4096));
                assertThat(client.readReply().error()).as("no context").isEqualTo(22);
                byte[] data = new byte[100_000];
                new Random(i).nextBytes(data);
                assertThat(client.call(WireClient.write(2, 4097, data))).isZero();
                client.send(WireClient.request(0, 0, 3, 4097, data.length));
                assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 3));
                assertThat(client.readBytes(data.length)).isEqualTo(data);
            }
        }
    }

    @Test
    void withoutTlsTheExportOpensWhereItIsOptional() {
        startAnonymous(TlsMode.OPTIONAL);
        try (WireClient client = tcp()) {
            client.handshake();
            client.go("disk");
        }
    }

    /** CVE-2021-3716: what somebody in the middle puts behind STARTTLS must not be taken for the client's. */
    @Test
    void optionsSlippedInBehindStartTlsClose() {
        startAnonymous(TlsMode.OPTIONAL);
        try (WireClient client = tcp()) {
            client.handshake();
            client.send(
                    WireClient.concat(option(HandshakeWire.OPT_STARTTLS), option(HandshakeWire.OPT_STRUCTURED_REPLY)));

            assertThat(client.closedByServer()).isTrue();
        }
    }

    @Test
    void moreTlsHandshakesAtOnceThanThereMayBeAreRefused() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        NbdLimits one = NbdLimits.DEFAULT.withNegotiation(NbdLimits.Negotiation.DEFAULT.withTlsHandshakes(1));
        nbd = NbdFixture.startWithTls(settings(authority, Optional.empty(), Optional.empty()), TlsMode.REQUIRED, one);
        try (WireClient done = secured();
                WireClient silent = tcp();
                WireClient next = tcp()) {
            done.go("disk");
            silent.handshake();
            assertThat(type(silent, HandshakeWire.OPT_STARTTLS, NOTHING)).isEqualTo(HandshakeWire.REP_ACK);
            next.handshake();
            assertThat(type(next, HandshakeWire.OPT_STARTTLS, NOTHING)).isEqualTo(HandshakeWire.REP_ERR_POLICY);
            assertThat(done.call(WireClient.request(0, 3, 1, 0, 0))).isZero();

            silent.close();
            Awaitility.await().until(() -> type(next, HandshakeWire.OPT_STARTTLS, NOTHING) == HandshakeWire.REP_ACK);
            next.startTls(trusting(), "TLSv1.3");
            next.go("disk");
        }
    }

    @Test
    void clientsThatVanishOrFallSilentInTheTlsHandshakeCostNothing() {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        NbdLimits hasty = NbdLimits.DEFAULT.withTimes(Duration.ofMillis(500), Duration.ofSeconds(30));
        nbd = NbdFixture.startWithTls(settings(authority, Optional.empty(), Optional.empty()), TlsMode.REQUIRED, hasty);
        List<WireClient> silent = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            WireClient client = tcp();
            client.handshake();
            client.option(HandshakeWire.OPT_STARTTLS, NOTHING);
            if (i % 3 == 0) {
                client.close();
            } else if (i % 3 == 1) {
                client.send(new byte[] {22, 3, 1, 1, 0, 1}); // the beginning of a ClientHello
                silent.add(client);
            } else {
                client.send("this is no TLS at all, and long enough to be seen".getBytes(StandardCharsets.UTF_8));
                silent.add(client);
            }
        }
        silent.forEach(client -> assertThat(client.closedByServer()).isTrue());
        silent.forEach(WireClient::close);
        nbd.awaitNoConnections();
    }

    @Test
    void renewedCertificatesAreUsedWithoutARestart() throws IOException {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        start(settings(authority, Optional.empty(), Optional.empty()), TlsMode.REQUIRED);
        try (WireClient old = secured()) {
            Certificate before = certificate(old);
            authority.server("ec");
            try (WireClient renewed = secured()) {
                assertThat(certificate(renewed)).isNotEqualTo(before);
            }
            Certificates other = Certificates.create(directory.resolve("other")).server("rsa");
            Files.copy(other.serverKey(), authority.serverKey(), StandardCopyOption.REPLACE_EXISTING);
            try (WireClient halfway = secured()) {
                assertThat(certificate(halfway))
                        .as("key without its certificate")
                        .isNotEqualTo(before);
            }
            Files.writeString(authority.serverCertificate(), "nonsense");
            try (WireClient last = secured()) {
                assertThat(certificate(last)).isNotEqualTo(before);
            }
            old.go("disk");
            assertThat(old.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
        }
    }

    @Test
    void filesThatMakeNoSenseStopTheStart() throws IOException {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        Path rules = directory.resolve("rules");
        Files.writeString(rules, "lonely\n");
        TlsSettings bad = settings(authority, Optional.of(authority.authority()), Optional.of(rules));

        assertThatThrownBy(() -> new Tls(bad))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("names a client and no export");
        TlsSettings missing = new TlsSettings(
                directory.resolve("nowhere"), authority.serverKey(), Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> new Tls(missing)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings(authority, Optional.empty(), Optional.of(rules)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shutsDownOverTlsWithWhatWasReceivedAnswered() {
        startAnonymous(TlsMode.REQUIRED);
        try (WireClient client = secured()) {
            client.go("disk");
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            client.send(WireClient.write(5, 0, new byte[4096]));
            Awaitility.await().until(() -> nbd.disk.requests.get() == 1);
            Thread closing = new Thread(() -> nbd.server.shutdown(Duration.ofSeconds(10)));
            closing.start();
            nbd.disk.releaseHeld();
            assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 5));
            assertThat(client.closedByServer()).isTrue();
        }
    }

    // ---- set-up ----

    private void start(TlsSettings settings, TlsMode mode) {
        nbd = NbdFixture.startWithTls(settings, mode, NbdLimits.DEFAULT);
    }

    private void startAnonymous(TlsMode mode) {
        Certificates authority = Certificates.create(directory.resolve("ca")).server("ec");
        start(settings(authority, Optional.empty(), Optional.empty()), mode);
    }

    private static TlsSettings settings(Certificates authority, Optional<Path> clients, Optional<Path> rules) {
        return new TlsSettings(authority.serverCertificate(), authority.serverKey(), clients, rules);
    }

    private WireClient tcp() {
        return WireClient.connect(nbd.tcpAddress());
    }

    private WireClient secured() {
        WireClient client = tcp();
        client.handshake();
        client.option(HandshakeWire.OPT_STARTTLS, NOTHING);
        client.startTls(trusting(), BOTH);
        return client;
    }

    private static Certificate certificate(WireClient client) {
        try {
            return client.tlsSession().getPeerCertificates()[0];
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static SSLContext trusting() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, InsecureTrustManagerFactory.INSTANCE.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static int type(WireClient client, int option, byte[] data) {
        return WireClient.last(client.option(option, data)).type();
    }

    private static byte[] option(int option) {
        return ByteBuffer.allocate(16)
                .putLong(HandshakeWire.OPTION_MAGIC)
                .putInt(option)
                .putInt(0)
                .array();
    }

    private String uri(Path client, String export) {
        return "nbds://127.0.0.1:" + nbd.server.tcpAddress().orElseThrow().getPort() + "/" + export
                + "?tls-certificates=" + client;
    }

    private static String run(String... command) {
        return Tools.run(PATIENCE, command).succeeded().output();
    }
}
