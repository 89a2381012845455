package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What brought other NBD servers down, done to this one. CVE-2021-3716 is in {@link TlsTest}; CVE-2025-47711 and
 * CVE-2025-47712, which take more than 4 GiB, are in the api module's BlockStatusSystemTest.
 */
@Timeout(60)
class KnownVulnerabilitiesTest {
    private static final byte[] NOTHING = {};

    private NbdFixture nbd;

    @BeforeEach
    void start() {
        nbd = NbdFixture.start();
    }

    @AfterEach
    void stop() {
        nbd.close();
    }

    /** CVE-2017-15118 (QEMU): a name longer than a buffer; CVE-2020-10761 (QEMU): one too long for the error's text. */
    @Test
    void exportNamesOfEveryLengthAreAnswered() {
        try (WireClient client = structured()) {
            for (int length : new int[] {255, 256, 257, 1024, 4095, 4096}) {
                String name = "x".repeat(length);
                for (int option : new int[] {HandshakeWire.OPT_INFO, HandshakeWire.OPT_GO}) {
                    assertThat(type(client, option, WireClient.exportRequest(name)))
                            .isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
                }
                assertThat(type(
                                client,
                                HandshakeWire.OPT_SET_META_CONTEXT,
                                WireClient.contextQuery(name, "base:allocation")))
                        .isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
            }
            client.go("disk");
        }
        try (WireClient client = nbd.connect()) {
            client.handshake();
            client.sendOption(HandshakeWire.OPT_EXPORT_NAME, "x".repeat(4096).getBytes(StandardCharsets.UTF_8));
            assertThat(client.closedByServer()).isTrue();
        }
    }

    /** CVE-2022-26495, CVE-2022-26496 (nbd-server): lengths of names that wrap around or lie about what follows. */
    @Test
    void lengthsOfNamesThatWrapAroundAreRefused() {
        try (WireClient client = structured()) {
            for (int length : new int[] {-1, -2, Integer.MIN_VALUE, Integer.MAX_VALUE, 100}) {
                byte[] data = WireClient.bytes(to -> {
                    to.writeInt(length);
                    to.write(new byte[16]);
                });
                for (int option : new int[] {
                    HandshakeWire.OPT_INFO,
                    HandshakeWire.OPT_GO,
                    HandshakeWire.OPT_LIST_META_CONTEXT,
                    HandshakeWire.OPT_SET_META_CONTEXT
                }) {
                    assertThat(type(client, option, data))
                            .isIn(HandshakeWire.REP_ERR_INVALID, HandshakeWire.REP_ERR_TOO_BIG);
                }
            }
            client.go("disk");
        }
    }

    /** CVE-2017-15119 (QEMU): options that announce gigabytes take no memory, and no more time than a handshake may. */
    @Test
    void optionsThatAnnounceGigabytesAreReadPast() {
        nbd.close();
        nbd = NbdFixture.start(
                Transport.auto(), NbdLimits.DEFAULT.withTimes(Duration.ofSeconds(1), Duration.ofSeconds(30)));
        List<WireClient> clients = new ArrayList<>();
        for (int option : new int[] {1, 3, 7, 8, 9, 99}) {
            WireClient client = nbd.connect();
            clients.add(client);
            client.handshake();
            client.send(WireClient.bytes(to -> {
                to.writeLong(HandshakeWire.OPTION_MAGIC);
                to.writeInt(option);
                to.writeInt(-1);
                to.write(new byte[1 << 16]);
            }));
        }
        clients.forEach(client -> assertThat(client.closedByServer()).isTrue());
        clients.forEach(WireClient::close);
        nbd.awaitNoConnections();
        assertThat(nbd.server.counters().bytesInFlight()).isZero();
    }

    /** CVE-2019-14850 (nbdkit): nothing is opened for a client that has not negotiated anything. */
    @Test
    void nothingIsOpenedForAClientThatOnlyConnects() {
        List<WireClient> clients = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            WireClient client = nbd.connect();
            clients.add(client);
            if (i % 2 == 0) {
                client.handshake();
                client.option(HandshakeWire.OPT_INFO, WireClient.exportRequest("disk", 3));
            }
        }
        assertThat(nbd.disk.openHandles).hasValue(0);
        clients.forEach(WireClient::close);
        nbd.awaitNoConnections();
    }

    /** CVE-2019-14851 (nbdkit): INFO about one export, then another is opened. */
    @Test
    void infoAboutOneExportAndThenOpeningAnotherWorks() {
        try (WireClient client = nbd.connect()) {
            client.handshake();
            type(client, HandshakeWire.OPT_INFO, WireClient.exportRequest(NbdFixture.SNAPSHOT));
            type(client, HandshakeWire.OPT_INFO, WireClient.exportRequest("nobody"));
            client.go("disk");
            assertThat(client.call(WireClient.write(1, 0, new byte[4096]))).isZero();
        }
    }

    /** CVE-2017-9524 (QEMU), CVE-2024-7409 (QEMU): a client goes, or the server does, at any moment of the other's. */
    @Test
    void aServerStopsWhateverItsClientsAreAt() {
        List<WireClient> clients = new ArrayList<>();
        nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
        for (int i = 0; i < 60; i++) {
            WireClient client = nbd.connect();
            clients.add(client);
            byte[] stream = WireClient.concat(
                    WireClient.bytes(to -> to.writeInt(3)),
                    WireClient.bytes(to -> {
                        byte[] request = WireClient.exportRequest("disk");
                        to.writeLong(HandshakeWire.OPTION_MAGIC);
                        to.writeInt(HandshakeWire.OPT_GO);
                        to.writeInt(request.length);
                        to.write(request);
                    }),
                    WireClient.write(1, 0, new byte[8192]));
            client.send(java.util.Arrays.copyOf(stream, i * stream.length / 59));
        }
        for (int i = 0; i < 60; i += 3) {
            clients.get(i).close();
        }
        Awaitility.await().until(() -> nbd.server.counters().exportsOpened() > 10);

        nbd.server.shutdown(Duration.ofMillis(200));
        nbd.disk.releaseHeld();

        clients.forEach(client -> {
            if (client.channel.isOpen()) {
                while (!client.closedByServer()) {
                    // greetings and answers that were on the way
                }
            }
            client.close();
        });
        nbd.disk.releaseHeld();
        nbd.awaitNoConnections();
        nbd.disk.completing = MemoryVolume.Completing.AT_SUBMIT;
    }

    @Test
    void moreOptionsThanAHandshakeMayHaveClose() {
        nbd.close();
        NbdLimits few = NbdLimits.DEFAULT.withNegotiation(NbdLimits.Negotiation.DEFAULT.withCounts(100, 1));
        nbd = NbdFixture.start(Transport.auto(), few);
        try (WireClient client = nbd.connect()) {
            client.handshake();
            for (int i = 0; i < 99; i++) {
                assertThat(type(client, 77, NOTHING)).isEqualTo(HandshakeWire.REP_ERR_UNSUP);
            }
            assertThat(type(client, HandshakeWire.OPT_LIST, NOTHING))
                    .as("more exports than are listed")
                    .isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
            client.sendOption(77, NOTHING);
            assertThat(client.closedByServer()).isTrue();
        }
        assertThat(nbd.server.counters().violations()).isEqualTo(1);
    }

    private WireClient structured() {
        WireClient client = nbd.connect();
        client.handshake();
        client.option(HandshakeWire.OPT_STRUCTURED_REPLY, NOTHING);
        return client;
    }

    private static int type(WireClient client, int option, byte[] data) {
        return WireClient.last(client.option(option, data)).type();
    }
}
