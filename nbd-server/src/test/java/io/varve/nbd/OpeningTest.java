package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Channels change loops while they are opened, and lose nothing. {@code -Dvarve.nbd.opens=100000} makes the proof that
 * stands behind the choice of a transport.
 */
@Timeout(120)
class OpeningTest {
    private static final int OPENS = Integer.getInteger("varve.nbd.opens", 2000);

    @ParameterizedTest
    @EnumSource
    void everyOpeningReachesItsVolume(Transport transport) {
        assumeTrue(transport.available());
        try (NbdFixture nbd = NbdFixture.start(transport, NbdLimits.DEFAULT)) {
            for (int i = 0; i < OPENS; i++) {
                WireClient client = i % 2 == 0 ? nbd.connect() : WireClient.connect(nbd.tcpAddress());
                String export = i % 3 == 0 ? MemoryExports.DEFAULT : NbdFixture.SNAPSHOT;
                client.handshake();
                client.go(export);
                client.send(WireClient.request(0, 0, i, i, 8));
                assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, i));
                client.readBytes(8);
                client.close();
            }
            nbd.awaitNoConnections();
            assertThat(nbd.server.counters().exportsOpened()).isEqualTo(OPENS);
        }
    }

    @ParameterizedTest
    @EnumSource
    void requestsThatComeTooEarlyAreNotLost(Transport transport) {
        assumeTrue(transport.available());
        try (NbdFixture nbd = NbdFixture.start(transport, NbdLimits.DEFAULT)) {
            nbd.exports.slow = true;
            for (int i = 0; i < OPENS / 4; i++) {
                try (WireClient client = nbd.connect()) {
                    client.handshake();
                    client.send(impatient(i));

                    assertThat(client.readBytes(10)).hasSize(10);
                    assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, i));
                    assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 7));
                }
            }
            nbd.awaitNoConnections();
        }
    }

    @ParameterizedTest
    @EnumSource
    void clientsThatVanishWhileTheirVolumeOpensLeaveNothingOpen(Transport transport) {
        assumeTrue(transport.available());
        try (NbdFixture nbd = NbdFixture.start(transport, NbdLimits.DEFAULT)) {
            nbd.exports.slow = true;
            for (int i = 0; i < OPENS / 4; i++) {
                try (WireClient client = nbd.connect()) {
                    client.handshake();
                    client.send(impatient(i));
                }
            }
            nbd.awaitNoConnections();
        }
    }

    /** Opens the export and sends a write and a flush with it, before the server has said yes. */
    private static byte[] impatient(int cookie) {
        byte[] name = MemoryExports.DEFAULT.getBytes(StandardCharsets.UTF_8);
        byte[] option = WireClient.bytes(to -> {
            to.writeLong(HandshakeWire.OPTION_MAGIC);
            to.writeInt(HandshakeWire.OPT_EXPORT_NAME);
            to.writeInt(name.length);
            to.write(name);
        });
        // A write first, so that the order of the two replies is known: the volume answers in order.
        return WireClient.concat(option, WireClient.write(cookie, 0, new byte[300]), WireClient.request(0, 3, 7, 0, 0));
    }
}
