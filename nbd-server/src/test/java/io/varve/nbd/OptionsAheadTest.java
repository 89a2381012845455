package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.StoreException;
import io.varve.testing.Background;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that send options without waiting for the answers, honest ones and others. */
@Timeout(60)
class OptionsAheadTest {
    private static final byte[] NOTHING = {};
    private static final int MANY_EXPORTS = 1000;
    private static final NbdLimits PATIENT = NbdLimits.DEFAULT.withTimes(Duration.ofMinutes(1), Duration.ofMinutes(1));

    private NbdFixture nbd;

    @BeforeEach
    void start() {
        nbd = NbdFixture.start(Transport.auto(), PATIENT);
    }

    @AfterEach
    void stop() {
        nbd.close();
    }

    @Test
    void allAreAnsweredInOrder() {
        nbd.exports.slow = true;
        int rounds = 300;
        byte[] round = WireClient.concat(
                option(HandshakeWire.OPT_INFO, WireClient.exportRequest("disk", 1, 2, 3)),
                option(77, new byte[100]),
                option(HandshakeWire.OPT_LIST, NOTHING),
                option(HandshakeWire.OPT_STRUCTURED_REPLY, NOTHING),
                option(HandshakeWire.OPT_SET_META_CONTEXT, WireClient.contextQuery("disk", "base:allocation")));
        byte[][] stream = new byte[rounds + 1][];
        Arrays.fill(stream, round);
        stream[rounds] = option(HandshakeWire.OPT_GO, WireClient.exportRequest("disk"));
        try (WireClient client = nbd.connect()) {
            client.handshake();
            CompletableFuture<Void> sending = Background.run(() -> client.send(WireClient.concat(stream)));

            for (int i = 0; i < rounds; i++) {
                assertThat(finalType(client, HandshakeWire.OPT_INFO)).isEqualTo(HandshakeWire.REP_ACK);
                assertThat(finalType(client, 77)).isEqualTo(HandshakeWire.REP_ERR_UNSUP);
                assertThat(finalType(client, HandshakeWire.OPT_LIST)).isEqualTo(HandshakeWire.REP_ACK);
                assertThat(finalType(client, HandshakeWire.OPT_STRUCTURED_REPLY))
                        .isEqualTo(HandshakeWire.REP_ACK);
                assertThat(finalType(client, HandshakeWire.OPT_SET_META_CONTEXT))
                        .isEqualTo(HandshakeWire.REP_ACK);
            }
            assertThat(finalType(client, HandshakeWire.OPT_GO)).isEqualTo(HandshakeWire.REP_ACK);
            sending.join();
            assertThat(client.call(WireClient.write(1, 0, new byte[4096]))).isZero();
        }
    }

    @Test
    void nothingIsReadWhileAnAnswerIsAwaited() throws IOException {
        try (WireClient other = nbd.open();
                WireClient client = nbd.connect()) {
            client.handshake();
            nbd.exports.gate = new CompletableFuture<>();
            client.sendOption(HandshakeWire.OPT_INFO, WireClient.exportRequest("disk"));
            long sent = sendUntilNoneGoes(client, option(77, new byte[4096]), other);
            assertThat(sent).as("what the kernel keeps").isLessThan(4 << 20);

            nbd.exports.gate.complete(null);
            assertThat(finalType(client, HandshakeWire.OPT_INFO)).isEqualTo(HandshakeWire.REP_ACK);
            assertThat(finalType(client, 77)).isEqualTo(HandshakeWire.REP_ERR_UNSUP);
        }
    }

    @Test
    void aClientThatDoesNotReadItsAnswersIsNotAskedForMore() {
        for (int i = 0; i < MANY_EXPORTS; i++) {
            nbd.exports.addBroken("x".repeat(100) + i, new StoreException(StoreException.Kind.DAMAGED, "gone"));
        }
        int lists = 300;
        // Some hundred KiB each: the kernel keeps a few of them.
        int keptByTheKernel = 100;
        byte[][] stream = new byte[lists][];
        Arrays.fill(stream, option(HandshakeWire.OPT_LIST, NOTHING));
        try (WireClient other = nbd.open();
                WireClient client = nbd.connect()) {
            client.handshake();
            CompletableFuture<Void> sending = Background.run(() -> client.send(WireClient.concat(stream)));
            await(() -> nbd.exports.listings.get() > 0);
            for (int i = 0; i < 300; i++) {
                assertThat(other.call(WireClient.write(1, 0, new byte[512]))).isZero();
            }
            assertThat(nbd.exports.listings.get()).isLessThan(keptByTheKernel);

            for (int i = 1; i <= lists; i++) {
                assertThat(finalType(client, HandshakeWire.OPT_LIST)).isEqualTo(HandshakeWire.REP_ACK);
                assertThat(nbd.exports.listings.get()).isLessThan(i + keptByTheKernel);
            }
            sending.join();
        }
    }

    @Test
    void aLongAnswerWaitsItsTurnForMemory() {
        nbd.close();
        nbd = NbdFixture.start(Transport.auto(), NbdLimits.DEFAULT.withWork(64, 64 << 20, 32 << 20));
        try (WireClient greedy = nbd.open();
                WireClient impatient = nbd.connect();
                WireClient client = nbd.connect()) {
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            greedy.send(WireClient.request(0, 0, 1, 0, 32 << 20));
            await(() -> nbd.disk.requests.get() == 1);
            impatient.handshake();
            impatient.sendOption(HandshakeWire.OPT_LIST, NOTHING);
            client.handshake();
            client.option(77, NOTHING);
            client.sendOption(HandshakeWire.OPT_LIST, NOTHING);
            impatient.close();
            await(() -> nbd.server.counters().connectionsOpen() == 2);
            assertThat(nbd.exports.listings).hasValue(0);

            nbd.disk.releaseHeld();
            assertThat(greedy.readReply()).isEqualTo(new WireClient.Reply(0, 1));
            greedy.readBytes(32 << 20);

            assertThat(finalType(client, HandshakeWire.OPT_LIST)).isEqualTo(HandshakeWire.REP_ACK);
            assertThat(nbd.exports.listings).hasValue(1);
            nbd.disk.completing = MemoryVolume.Completing.AT_SUBMIT;
        }
    }

    @Test
    void anAnswerThatIsTooLongIsRefused() {
        nbd.close();
        NbdLimits.Negotiation brief = NbdLimits.Negotiation.DEFAULT.withAnswers(200, 4096);
        nbd = NbdFixture.start(Transport.auto(), NbdLimits.DEFAULT.withNegotiation(brief));
        nbd.exports.addBroken("x".repeat(200), new StoreException(StoreException.Kind.DAMAGED, "gone"));
        try (WireClient client = nbd.connect()) {
            client.handshake();
            assertThat(WireClient.last(client.option(HandshakeWire.OPT_LIST, NOTHING))
                            .type())
                    .isEqualTo(HandshakeWire.REP_ERR_TOO_BIG);
            client.go("disk");
        }
    }

    /** How many bytes went out before none went any more, while another client was served a hundred times. */
    private static long sendUntilNoneGoes(WireClient client, byte[] message, WireClient other) throws IOException {
        client.channel.configureBlocking(false);
        ByteBuffer rest = ByteBuffer.wrap(message);
        long sent = 0;
        int tries = 0;
        while (tries < 100 && sent < 16 << 20) {
            rest = rest.hasRemaining() ? rest : rest.rewind();
            int now = client.channel.write(rest);
            sent += now;
            if (now == 0) {
                tries++;
                assertThat(other.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
            }
        }
        client.channel.configureBlocking(true);
        return sent;
    }

    private static int finalType(WireClient client, int option) {
        WireClient.OptionReply reply = client.readOptionReply();
        while (!reply.isError() && reply.type() != HandshakeWire.REP_ACK) {
            assertThat(reply.option()).isEqualTo(option);
            reply = client.readOptionReply();
        }
        assertThat(reply.option()).isEqualTo(option);
        return reply.type();
    }

    private static byte[] option(int option, byte[] data) {
        return WireClient.bytes(to -> {
            to.writeLong(HandshakeWire.OPTION_MAGIC);
            to.writeInt(option);
            to.writeInt(data.length);
            to.write(data);
        });
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(condition);
    }
}
