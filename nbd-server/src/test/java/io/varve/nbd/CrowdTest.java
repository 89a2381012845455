package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.Background;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Thousands of clients that stop half-way in the handshake, and forty that ask for the largest reads and take none: the
 * requests of another client go on, and memory stays within its bounds.
 */
@Timeout(240)
class CrowdTest {
    private static final int HALF_OPEN = Math.min(10_000, Integer.getInteger("varve.nbd.connections", 2000));
    private static final int GREEDY = 40;
    private static final int LARGEST = 32 << 20;
    private static final int NEIGHBOUR_REQUESTS = 2000;

    private static final NbdLimits LIMITS = NbdLimits.DEFAULT
            .withWork(1024, 64 << 20, 128 << 20)
            .withConnections(2 * HALF_OPEN)
            .withTimes(Duration.ofMinutes(5), Duration.ofMinutes(5));

    @Test
    void theRequestsOfAnotherClientGoOn() throws Exception {
        List<WireClient> greedy = new ArrayList<>();
        Process halfOpen = null;
        try (NbdFixture nbd = NbdFixture.start(Transport.auto(), LIMITS);
                WireClient neighbour = nbd.open()) {
            medianNanos(neighbour); // its code is compiled meanwhile
            long alone = medianNanos(neighbour);
            long most = 0;

            halfOpen = HalfOpenClients.start(nbd, HALF_OPEN);
            await(() -> nbd.server.counters().connectionsOpen() == HALF_OPEN + 1);
            for (int i = 0; i < GREEDY; i++) {
                WireClient client = nbd.open();
                greedy.add(client);
                client.send(WireClient.request(0, 0, 1, 0, LARGEST));
            }
            await(() -> nbd.server.counters().waits() > 0);
            long crowded = medianNanos(neighbour);
            for (int i = 0; i < NEIGHBOUR_REQUESTS; i++) {
                assertThat(neighbour.call(WireClient.write(i, 4096L * (i % 1000), new byte[4096])))
                        .isZero();
                most = Math.max(most, nbd.server.counters().bytesInFlight());
            }

            assertThat(nbd.server.counters().connectionsOpen()).isEqualTo(HALF_OPEN + GREEDY + 1);
            assertThat(most)
                    .as("somebody has all of the shared memory, and nobody has more than that and his own share")
                    .isBetween(
                            LIMITS.totalBytes() - LARGEST,
                            LIMITS.totalBytes() + (GREEDY + 1) * LIMITS.guaranteedBytes());
            System.out.printf(
                    "%d half-open and %d greedy connections: the neighbour's median request takes %.1f times as long"
                            + " (%d µs, alone %d µs)%n",
                    HALF_OPEN, GREEDY, (double) crowded / alone, crowded / 1000, alone / 1000);

            everybodyHasHisTurn(greedy);
            halfOpen.getOutputStream().close();
            greedy.forEach(WireClient::close);
            await(() -> nbd.server.counters().connectionsOpen() == 1);
            await(() -> nbd.server.counters().bytesInFlight() == 0);
        } finally {
            if (halfOpen != null) {
                halfOpen.destroyForcibly();
            }
            greedy.forEach(WireClient::close);
        }
    }

    private static long medianNanos(WireClient client) {
        long[] nanos = new long[NEIGHBOUR_REQUESTS];
        for (int i = 0; i < nanos.length; i++) {
            long start = System.nanoTime();
            assertThat(client.call(WireClient.write(i, 0, new byte[4096]))).isZero();
            nanos[i] = System.nanoTime() - start;
        }
        java.util.Arrays.sort(nanos);
        return nanos[nanos.length / 2];
    }

    /** Once they take what they asked for, all get it, though their requests are many times what there is room for. */
    private static void everybodyHasHisTurn(List<WireClient> greedy) {
        List<CompletableFuture<Void>> takers = new ArrayList<>();
        for (WireClient client : greedy) {
            takers.add(Background.run(() -> {
                byte[] piece = new byte[1 << 20];
                assertThat(client.readReply()).isEqualTo(new WireClient.Reply(0, 1));
                for (int i = 0; i < LARGEST / piece.length; i++) {
                    client.readFully(piece);
                }
            }));
        }
        takers.forEach(CompletableFuture::join);
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(condition);
    }
}
