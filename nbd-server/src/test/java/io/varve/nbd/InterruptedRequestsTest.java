package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Background;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server ends a connection while its client is in the middle of a request. */
@Timeout(60)
class InterruptedRequestsTest {
    private static final int ESHUTDOWN = 108;
    private static final int LARGE = 4 << 20;

    private NbdFixture nbd;

    @BeforeEach
    void start() {
        nbd = NbdFixture.start();
    }

    @AfterEach
    void stop() {
        nbd.disk.completing = MemoryVolume.Completing.LATER;
        nbd.disk.releaseHeld();
        nbd.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shutdownInTheMiddleOfAPayloadAnswersWhatIsAtWork(boolean tcp) {
        nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
        try (WireClient client = open(tcp)) {
            client.send(WireClient.concat(
                    WireClient.write(1, 0, new byte[4096]),
                    WireClient.request(0, 0, 2, 0, LARGE),
                    WireClient.request(0, 1, 3, 0, LARGE, new byte[LARGE / 2])));
            await(() -> nbd.disk.requests.get() == 2 && nbd.server.counters().bytesInFlight() > 2 * LARGE);

            CompletableFuture<Void> closing = Background.run(nbd.server::close);
            await(() -> !Files.exists(nbd.socket));
            nbd.disk.releaseHeld();

            // More of the payload than the kernel keeps, of which nothing is wanted any more.
            CompletableFuture<Void> sending = Background.run(() -> sendInVain(client));
            for (int i = 0; i < 2; i++) {
                WireClient.Reply reply = client.readReply();
                assertThat(reply.error()).isZero();
                assertThat(client.readBytes(reply.cookie() == 2 ? LARGE : 0)).hasSize(reply.cookie() == 2 ? LARGE : 0);
            }
            assertThat(client.readBytes(1)).as("the end, and no reset").isEmpty();
            sending.join();
            client.close();
            closing.join();
        }
    }

    @Test
    void disconnectInTheMiddleOfAPayloadIsOrderlyAndEnds() throws Exception {
        try (WireClient client = nbd.open();
                WireClient other = nbd.connect()) {
            other.handshake();
            other.go(NbdFixture.SNAPSHOT);
            client.send(WireClient.concat(
                    WireClient.write(1, 0, new byte[4096]), WireClient.request(0, 1, 2, 0, LARGE, new byte[1000])));
            await(() -> nbd.server.counters().bytesInFlight() > LARGE);

            CompletableFuture<Void> gone = nbd.server.disconnect(NbdFixture.DISK_ID);

            assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 1));
            assertThat(client.readBytes(1)).as("the end, and no reset").isEmpty();
            client.close();
            gone.get(20, TimeUnit.SECONDS);
            assertThat(nbd.disk.openHandles).hasValue(0);
            assertThat(other.call(WireClient.request(0, 3, 1, 0, 0))).isZero();
        }
    }

    @Test
    void aPayloadThatComesWithinTheGraceIsWritten() throws Exception {
        nbd.close();
        nbd = NbdFixture.startGracious(Duration.ofSeconds(30));
        try (WireClient client = nbd.open()) {
            client.send(WireClient.request(0, 1, 1, 0, LARGE, new byte[LARGE / 2]));
            await(() -> nbd.server.counters().bytesInFlight() > LARGE);
            CompletableFuture<Void> gone = nbd.server.disconnect(NbdFixture.DISK_ID);

            client.send(WireClient.concat(new byte[LARGE / 2], WireClient.write(2, 0, new byte[100])));

            assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 1));
            assertThat(client.readReply()).isEqualTo(new WireClient.Reply(ESHUTDOWN, 2));
            client.close();
            gone.get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    void aClientThatDoesNotHangUpIsClosed() throws Exception {
        nbd.close();
        NbdLimits.Patience hasty =
                new NbdLimits.Patience(Duration.ofMinutes(5), Duration.ofMinutes(5), 1, Duration.ofMillis(300));
        nbd = NbdFixture.start(Transport.auto(), NbdLimits.DEFAULT.withPatience(hasty));
        try (WireClient talking = nbd.open();
                WireClient deaf = nbd.open()) {
            talking.send(WireClient.request(0, 1, 2, 0, LARGE, new byte[1000]));
            deaf.send(WireClient.concat(
                    WireClient.request(0, 0, 1, 0, 32 << 20), WireClient.request(0, 0, 2, 0, 32 << 20)));
            await(() -> nbd.server.counters().bytesInFlight() > (32 << 20) + LARGE);

            nbd.server.disconnect(NbdFixture.DISK_ID).get(20, TimeUnit.SECONDS);

            assertThat(talking.closedByServer()).isTrue();
        }
    }

    @Test
    void aRequestThatWaitsForMemoryIsToldOfTheShutdown() {
        nbd.close();
        nbd = NbdFixture.start(Transport.auto(), NbdLimits.DEFAULT.withWork(64, 64 << 20, 32 << 20));
        nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
        try (WireClient greedy = nbd.open();
                WireClient waiting = nbd.open()) {
            greedy.send(WireClient.request(0, 0, 1, 0, 32 << 20));
            await(() -> nbd.disk.requests.get() == 1);
            waiting.send(WireClient.request(0, 0, 2, 0, 1 << 20));
            await(() -> nbd.server.counters().waits() == 1);

            CompletableFuture<Void> closing = Background.run(nbd.server::close);

            assertThat(waiting.readReply()).isEqualTo(new WireClient.Reply(ESHUTDOWN, 2));
            nbd.disk.releaseHeld();
            assertThat(greedy.readReply()).isEqualTo(new WireClient.Reply(0, 1));
            greedy.readBytes(32 << 20);
            closing.join();
        }
    }

    private WireClient open(boolean tcp) {
        WireClient client = tcp ? WireClient.connect(nbd.tcpAddress()) : nbd.connect();
        client.handshake();
        client.go(MemoryExports.DEFAULT);
        return client;
    }

    private static void sendInVain(WireClient client) {
        try {
            client.send(new byte[LARGE / 2 - 1]);
        } catch (java.io.UncheckedIOException hungUp) {
            // The server need not wait for it.
        }
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(condition);
    }
}
