package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.StoreException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class HandshakeTest {
    private static final byte[] NOTHING = {};

    private NbdFixture nbd;
    private WireClient client;

    @BeforeEach
    void connect() {
        nbd = NbdFixture.start();
        client = nbd.connect();
    }

    @AfterEach
    void close() {
        client.close();
        nbd.close();
    }

    @Test
    void exportNameOpensWithPaddingForOldClients() {
        client.handshake(HandshakeWire.FLAG_FIXED_NEWSTYLE);

        client.sendOption(HandshakeWire.OPT_EXPORT_NAME, text("disk"));

        ByteBuffer opening = ByteBuffer.wrap(client.readBytes(134));
        assertThat(opening.getLong()).isEqualTo(NbdFixture.SIZE_BYTES);
        assertThat(opening.getShort()).isEqualTo((short) 0b1101_0110_1101);
        assertThat(client.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
    }

    @Test
    void exportNameOpensWithoutPaddingWhereAgreed() {
        client.handshake();

        client.sendOption(HandshakeWire.OPT_EXPORT_NAME, NOTHING);

        assertThat(ByteBuffer.wrap(client.readBytes(10)).getLong()).isEqualTo(NbdFixture.SIZE_BYTES);
        assertThat(client.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
    }

    @Test
    void exportNameClosesOnAnUnknownExport() {
        client.handshake();

        client.sendOption(HandshakeWire.OPT_EXPORT_NAME, text("nobody"));

        assertThat(client.closedByServer()).isTrue();
    }

    @Test
    void exportNameClosesOnANameThatIsTooLong() {
        client.handshake();

        client.sendOption(HandshakeWire.OPT_EXPORT_NAME, new byte[4097]);

        assertThat(client.closedByServer()).isTrue();
    }

    @Test
    void infoTellsWhatIsAskedFor() {
        client.handshake();

        List<WireClient.OptionReply> replies =
                client.option(HandshakeWire.OPT_INFO, WireClient.exportRequest("", 3, 1, 2, 77));

        assertThat(replies).extracting(WireClient.OptionReply::type).containsExactly(3, 3, 3, 3, 1);
        assertThat(string(replies.get(0), 2)).isEqualTo("disk");
        assertThat(string(replies.get(1), 2)).isEqualTo("the volume disk");
        ByteBuffer sizes = replies.get(2).data();
        assertThat(List.of(sizes.getInt(2), sizes.getInt(6), sizes.getInt(10))).containsExactly(1, 4096, 32 << 20);
        assertThat(replies.get(3).data().getLong(2)).isEqualTo(NbdFixture.SIZE_BYTES);
        client.go("disk");
    }

    @Test
    void aSnapshotIsReadOnly() {
        client.handshake();

        List<WireClient.OptionReply> replies =
                client.option(HandshakeWire.OPT_GO, WireClient.exportRequest(NbdFixture.SNAPSHOT));

        assertThat(replies.get(0).data().getShort(10)).isEqualTo((short) 0b101_0000_1111);
    }

    @Test
    void dontFragmentIsOfferedWithStructuredReplies() {
        client.handshake();
        client.option(HandshakeWire.OPT_STRUCTURED_REPLY, NOTHING);

        List<WireClient.OptionReply> replies = client.option(HandshakeWire.OPT_GO, WireClient.exportRequest("disk"));

        assertThat(replies.get(0).data().getShort(10) & 1 << 7).isNotZero();
    }

    @Test
    void anUnknownExportIsRefusedAndTheNegotiationGoesOn() {
        nbd.exports.slow = true;
        client.handshake();

        for (int option : new int[] {HandshakeWire.OPT_INFO, HandshakeWire.OPT_GO}) {
            assertThat(type(option, WireClient.exportRequest("nobody"))).isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
        }

        client.go("disk");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 12, -1})
    void unknownOptionsAreRefusedAndTheNegotiationGoesOn(int option) {
        client.handshake();

        assertThat(type(option, new byte[100_000])).isEqualTo(HandshakeWire.REP_ERR_UNSUP);
        assertThat(type(option, NOTHING)).isEqualTo(HandshakeWire.REP_ERR_UNSUP);

        client.go("disk");
    }

    @Test
    void listNamesEveryExport() {
        client.handshake();

        List<WireClient.OptionReply> replies = client.option(HandshakeWire.OPT_LIST, NOTHING);

        assertThat(replies).hasSize(3);
        assertThat(string(replies.get(0), 4)).isEqualTo("diskthe volume disk");
    }

    @Test
    void dataWhereThereMustBeNoneIsInvalid() {
        client.handshake();

        assertThat(type(HandshakeWire.OPT_LIST, text("x"))).isEqualTo(HandshakeWire.REP_ERR_INVALID);
        assertThat(type(HandshakeWire.OPT_STRUCTURED_REPLY, text("x"))).isEqualTo(HandshakeWire.REP_ERR_INVALID);
        client.go("disk");
    }

    @Test
    void lengthsThatContradictEachOtherAreInvalid() {
        client.handshake();

        for (byte[] data : List.of(
                NOTHING,
                new byte[5],
                new byte[7],
                WireClient.bytes(to -> {
                    to.writeInt(3);
                    to.write(new byte[4]);
                }),
                WireClient.bytes(to -> {
                    to.writeInt(0);
                    to.writeShort(9);
                }))) {
            assertThat(type(HandshakeWire.OPT_GO, data)).isEqualTo(HandshakeWire.REP_ERR_INVALID);
        }
        client.go("disk");
    }

    @Test
    void namesOverTheLimitAreTooBig() {
        client.handshake();

        assertThat(type(HandshakeWire.OPT_GO, WireClient.exportRequest("x".repeat(4096))))
                .isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
        assertThat(type(HandshakeWire.OPT_GO, WireClient.exportRequest("x".repeat(4097))))
                .isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
        assertThat(type(HandshakeWire.OPT_GO, new byte[1 << 20])).isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
        client.go("disk");
    }

    @Test
    void abortIsAcknowledgedAndClosed() {
        client.handshake();

        assertThat(type(HandshakeWire.OPT_ABORT, text("ignored"))).isEqualTo(HandshakeWire.REP_ACK);
        assertThat(client.closedByServer()).isTrue();
    }

    @Test
    void unknownClientFlagsClose() {
        client.handshake(4);

        assertThat(client.closedByServer()).isTrue();
    }

    @Test
    void aWrongOptionMagicCloses() {
        client.handshake();
        client.sendOption(1, HandshakeWire.OPT_LIST, NOTHING);

        assertThat(client.closedByServer()).isTrue();
        assertThat(nbd.server.counters().violations()).isEqualTo(1);
    }

    @Test
    void anExportThatCannotBeOpenedIsRefusedWithAReason() {
        nbd.exports.addBroken("damaged", new StoreException(StoreException.Kind.DAMAGED, "gone"));
        nbd.exports.addBroken("vanished", new StoreException(StoreException.Kind.VOLUME_NOT_FOUND, "gone"));
        nbd.exports.addBroken("closing", new StoreException(StoreException.Kind.CLOSED, "gone"));
        client.handshake();

        assertThat(type(HandshakeWire.OPT_GO, WireClient.exportRequest("damaged")))
                .isEqualTo(HandshakeWire.REP_ERR_POLICY);
        assertThat(type(HandshakeWire.OPT_GO, WireClient.exportRequest("vanished")))
                .isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
        assertThat(type(HandshakeWire.OPT_GO, WireClient.exportRequest("closing")))
                .isEqualTo(HandshakeWire.REP_ERR_SHUTDOWN);
        client.go("disk");
    }

    @Test
    void optionsSentWithoutWaitingAreAnsweredInOrder() {
        nbd.exports.slow = true;
        client.handshake();

        client.sendOption(HandshakeWire.OPT_INFO, WireClient.exportRequest("nobody"));
        client.sendOption(99, text("x"));
        client.sendOption(HandshakeWire.OPT_INFO, WireClient.exportRequest("nobody"));

        assertThat(client.readOptionReply().type()).isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
        assertThat(client.readOptionReply().type()).isEqualTo(HandshakeWire.REP_ERR_UNSUP);
        assertThat(client.readOptionReply().type()).isEqualTo(HandshakeWire.REP_ERR_UNKNOWN);
    }

    private int type(int option, byte[] data) {
        return WireClient.last(client.option(option, data)).type();
    }

    private static String string(WireClient.OptionReply reply, int from) {
        byte[] data = reply.data().array();
        return new String(data, from, data.length - from, StandardCharsets.UTF_8);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
