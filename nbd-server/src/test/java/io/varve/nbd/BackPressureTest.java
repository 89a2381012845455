package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Background;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that ask too much, or stand still, are slowed down or closed, and nobody else notices. */
@Timeout(60)
class BackPressureTest {
    private static final NbdLimits TIGHT = NbdLimits.DEFAULT.withWork(8, 1 << 20, 2 << 20);
    private static final int LARGEST = 32 << 20;
    private static final NbdLimits IMPATIENT =
            NbdLimits.DEFAULT.withTimes(Duration.ofSeconds(10), Duration.ofMillis(300));

    @Test
    void requestsOverTheLimitWaitAndAreAllAnswered() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), TIGHT);
                WireClient client = nbd.open()) {
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            byte[][] writes = new byte[100][];
            for (int i = 0; i < writes.length; i++) {
                writes[i] = WireClient.write(i, i * 512L, new byte[512]);
            }
            client.send(WireClient.concat(writes));
            await(() -> nbd.disk.requests.get() == 8);

            nbd.disk.completing = MemoryVolume.Completing.LATER;
            nbd.disk.releaseHeld();

            for (int i = 0; i < writes.length; i++) {
                assertThat(client.readReply().error()).isZero();
            }
            assertThat(nbd.server.counters().pauses()).isPositive();
        }
    }

    @Test
    void bytesOverTheLimitWaitAndAreAllAnswered() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), TIGHT)) {
            nbd.disk.completing = MemoryVolume.Completing.LATER;
            CompletableFuture<?>[] clients = new CompletableFuture<?>[4];
            for (int c = 0; c < clients.length; c++) {
                clients[c] = Background.run(() -> {
                    try (WireClient client = nbd.open()) {
                        writeAndReadLots(client);
                    }
                });
            }
            CompletableFuture.allOf(clients).join();
        }
    }

    @Test
    void aBurstOfTheLargestRequestsStaysWithinTheBudgetAndAllHaveTheirTurn() {
        NbdLimits limits = NbdLimits.DEFAULT.withWork(8, 64 << 20, 64 << 20);
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), limits);
                WireClient small = nbd.open()) {
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            List<WireClient> greedy = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                WireClient client = nbd.open();
                greedy.add(client);
                client.send(WireClient.concat(
                        WireClient.request(0, 0, 1, 0, LARGEST), WireClient.request(0, 0, 2, 0, LARGEST)));
            }
            await(() -> nbd.server.counters().waits() >= 11);

            assertThat(nbd.disk.requests.get())
                    .as("as many as there is room for")
                    .isLessThanOrEqualTo(2);
            assertThat(nbd.server.counters().bytesInFlight())
                    .isLessThanOrEqualTo(limits.totalBytes() + 13 * limits.guaranteedBytes());
            int large = nbd.disk.requests.get();
            small.send(WireClient.write(7, 0, new byte[4096]));
            await(() -> nbd.disk.requests.get() == large + 1);

            nbd.disk.completing = MemoryVolume.Completing.LATER;
            nbd.disk.releaseHeld();
            assertThat(small.readReply()).isEqualTo(new WireClient.Reply(0, 7));
            CompletableFuture<?>[] takers = greedy.stream()
                    .map(client -> Background.run(() -> takeTwo(client)))
                    .toArray(CompletableFuture[]::new);
            CompletableFuture.allOf(takers).join();
            greedy.forEach(WireClient::close);
        }
    }

    private static void takeTwo(WireClient client) {
        for (int cookie = 1; cookie <= 2; cookie++) {
            assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, cookie));
            assertThat(client.readBytes(LARGEST)).hasSize(LARGEST);
        }
    }

    @Test
    void aTinyWriteIsChargedTheBufferThatItWasReceivedIn() {
        try (NbdFixture nbd = NbdFixture.start();
                WireClient client = nbd.open()) {
            // Reads of the socket grow with the traffic.
            for (int i = 0; i < 8; i++) {
                client.call(WireClient.write(i, 0, new byte[60_000]));
            }
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            byte[] refused = WireClient.request(0, 99, 1, 0, 0);
            byte[][] stream = new byte[2000][];
            Arrays.fill(stream, refused);
            stream[0] = WireClient.write(7, 0, new byte[1]);
            int before = nbd.disk.requests.get();
            client.send(WireClient.concat(stream));
            await(() -> nbd.disk.requests.get() == before + 1);
            for (int i = 1; i < stream.length; i++) {
                assertThat(client.readReply().error()).isNotZero();
            }

            await(() -> nbd.server.counters().bytesInFlight() >= PayloadReceiver.MIN_BYTES);
            nbd.disk.releaseHeld();

            assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 7));
            await(() -> nbd.server.counters().bytesInFlight() == 0);
            nbd.disk.completing = MemoryVolume.Completing.AT_SUBMIT;
        }
    }

    @Test
    void aCongestedVolumeIsLeftAlone() {
        try (NbdFixture nbd = NbdFixture.start();
                WireClient client = nbd.open()) {
            nbd.disk.congest(true);
            CompletableFuture<Void> sending = Background.run(() -> {
                for (int i = 0; i < 20; i++) {
                    client.send(WireClient.write(i, 0, new byte[70_000]));
                }
            });
            await(() -> nbd.server.counters().pauses() > 0);
            assertThat(nbd.disk.requests.get()).isLessThanOrEqualTo(1);

            nbd.disk.congest(false);

            for (int i = 0; i < 20; i++) {
                assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, i));
            }
            sending.join();
        }
    }

    @Test
    void aClientThatStallsInAPayloadIsClosedAndOthersGoOn() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), IMPATIENT);
                WireClient other = nbd.open();
                WireClient stalled = nbd.open()) {
            stalled.send(WireClient.request(0, 1, 1, 0, 8 << 20, new byte[300_000]));
            await(() -> nbd.server.counters().bytesInFlight() >= 8 << 20);

            assertThat(stalled.closedByServer()).isTrue();

            await(() -> nbd.server.counters().bytesInFlight() == 0);
            assertThat(nbd.server.counters().timeouts()).isEqualTo(1);
            assertThat(other.call(WireClient.write(1, 0, new byte[4096]))).isZero();
        }
    }

    @Test
    void aClientThatStallsInAHeaderIsClosed() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), IMPATIENT);
                WireClient stalled = nbd.open()) {
            stalled.send(new byte[] {0x25});

            assertThat(stalled.closedByServer()).isTrue();
        }
    }

    @Test
    void aClientThatDoesNotReadItsRepliesIsClosedAndOthersGoOn() throws IOException {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), IMPATIENT);
                WireClient other = nbd.open();
                WireClient deaf = nbd.open()) {
            deaf.channel.configureBlocking(false);
            ByteBuffer request = ByteBuffer.wrap(WireClient.request(0, 0, 1, 0, 1 << 20));
            for (int i = 0; i < 10_000; i++) {
                deaf.channel.write(request.rewind());
            }

            await(() -> nbd.server.counters().timeouts() == 1);

            await(() -> nbd.server.counters().bytesInFlight() == 0);
            assertThat(other.call(WireClient.write(1, 0, new byte[4096]))).isZero();
        }
    }

    @Test
    void aClientThatVanishesLeavesNothingBehind() {
        try (NbdFixture nbd = NbdFixture.start()) {
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            WireClient client = nbd.open();
            client.send(WireClient.concat(
                    WireClient.write(1, 0, new byte[4096]),
                    WireClient.request(0, 0, 2, 0, 65536),
                    WireClient.request(0, 1, 3, 0, 1 << 20, new byte[777])));
            await(() -> nbd.disk.requests.get() == 2);

            client.close();
            await(() -> nbd.server.counters().connectionsOpen() == 0);
            assertThat(nbd.disk.openHandles).hasValue(1);
            assertThat(nbd.server.counters().bytesInFlight())
                    .as("the requests at work, and not the one that was cut short")
                    .isBetween(4096L + 65536L, 4096L + 65536L + (64 << 10));
            nbd.disk.releaseHeld();

            nbd.awaitNoConnections();
            assertThat(nbd.server.counters().bytesInFlight()).isZero();
        }
    }

    @Test
    void aClientThatVanishesKeepsItsPlaceUntilItsRequestsAreOver() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), NbdLimits.DEFAULT.withConnections(1))) {
            nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
            WireClient client = nbd.open();
            client.send(WireClient.request(0, 0, 1, 0, 65536));
            await(() -> nbd.disk.requests.get() == 1);
            client.close();
            await(() -> nbd.server.counters().connectionsOpen() == 0);

            try (WireClient next = nbd.connect()) {
                assertThat(next.closedByServer()).isTrue();
            }
            nbd.disk.releaseHeld();

            nbd.awaitNoConnections();
            await(() -> {
                try (WireClient next = nbd.connect()) {
                    return !next.closedByServer();
                }
            });
        }
    }

    /** Each answer is a block of data and a hole: few bytes to send, out of a large buffer. */
    @Test
    void aReplyWithHolesIsChargedItsWholeBufferUntilItIsTaken() {
        NbdLimits limits = NbdLimits.DEFAULT.withWork(64, 64 << 20, 1 << 20);
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), limits);
                WireClient client = nbd.open(ReplyStyle.STRUCTURED, "base:allocation")) {
            client.call(WireClient.write(1, 0, new byte[] {1}));
            int length = 256 << 10;
            byte[][] stream = new byte[1500][];
            Arrays.setAll(stream, i -> WireClient.request(0, 0, i, 0, length));
            CompletableFuture<Void> sending = Background.run(() -> client.send(WireClient.concat(stream)));

            await(() -> nbd.server.counters().bytesInFlight() >= limits.totalBytes() - length);
            assertThat(nbd.server.counters().bytesInFlight())
                    .isLessThanOrEqualTo(limits.totalBytes() + limits.guaranteedBytes());

            for (int i = 0; i < stream.length; i++) {
                assertThat(client.readChunk().type()).isEqualTo(TransmissionWire.CHUNK_OFFSET_DATA);
                assertThat(client.readChunk().type()).isEqualTo(TransmissionWire.CHUNK_OFFSET_HOLE);
            }
            sending.join();
            await(() -> nbd.server.counters().bytesInFlight() == 0);
        }
    }

    @Test
    void aBlockStatusIsChargedForEveryContext() {
        try (NbdFixture nbd = NbdFixture.start()) {
            nbd.exports.history(MemoryExports.DEFAULT).remember("snap");
            String[] contexts = {
                "base:allocation", "qemu:allocation-depth", "varve:changed-since:snap", "qemu:dirty-bitmap:snap"
            };
            try (WireClient client = nbd.open(ReplyStyle.STRUCTURED, contexts)) {
                nbd.disk.completing = MemoryVolume.Completing.WHEN_RELEASED;
                client.send(WireClient.request(0, 7, 1, 0, NbdFixture.SIZE_BYTES));
                long descriptors = NbdLimits.DEFAULT.statusExtents() * 8L;
                await(() -> nbd.server.counters().bytesInFlight() > contexts.length * descriptors);

                nbd.disk.completing = MemoryVolume.Completing.LATER;
                nbd.disk.releaseHeld();

                for (int i = 0; i < contexts.length; i++) {
                    assertThat(client.readChunk().type()).isEqualTo(TransmissionWire.CHUNK_BLOCK_STATUS);
                }
                await(() -> nbd.server.counters().bytesInFlight() == 0);
            }
        }
    }

    @Test
    void anIdleClientMayStay() {
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), IMPATIENT);
                WireClient idle = nbd.open();
                WireClient stalled = nbd.open()) {
            idle.call(WireClient.write(1, 0, new byte[100]));
            stalled.send(new byte[] {0x25});
            assertThat(stalled.closedByServer()).isTrue();

            assertThat(idle.call(WireClient.write(1, 0, new byte[100]))).isZero();
        }
    }

    private static void writeAndReadLots(WireClient client) {
        for (int round = 0; round < 10; round++) {
            byte[][] messages = new byte[16][];
            for (int i = 0; i < messages.length; i++) {
                messages[i] = WireClient.write(i, i * 300_000L, new byte[300_000]);
            }
            CompletableFuture<Void> sending = Background.run(() -> client.send(WireClient.concat(messages)));
            for (int i = 0; i < messages.length; i++) {
                assertThat(client.readReply().error()).isZero();
            }
            sending.join();
        }
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(condition);
    }
}
