package io.varve.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients come, work and go, one way or another, thousands of times; nothing of them is left at the end. */
@Timeout(value = 6, unit = java.util.concurrent.TimeUnit.HOURS)
@Tag("slow")
class ConnectionSoakTest {
    private static final int CONNECTIONS = Integer.getInteger("varve.nbd.connections", 2000);
    private static final int WARM_UP = 300;
    private static final int AT_ONCE = 8;

    private final SplittableRandom random = new SplittableRandom(11);

    @Test
    void nothingIsLeftOfClientsThatCameAndWent() {
        try (NbdFixture nbd = NbdFixture.start()) {
            comeAndGo(nbd, WARM_UP);
            Use before = use(nbd);

            comeAndGo(nbd, CONNECTIONS);

            Use after = use(nbd);
            System.out.printf("%d connections: before %s, after %s%n", CONNECTIONS, before, after);
            assertThat(after.descriptors).isLessThanOrEqualTo(before.descriptors + 2);
            assertThat(after.threads).isLessThanOrEqualTo(before.threads + 2);
            // Arenas grow in chunks of 16 MiB; a buffer lost by every connection would be many of them.
            assertThat(after.directBytes).isLessThanOrEqualTo(before.directBytes + (32 << 20));
            assertThat(after.heapBytes).isLessThanOrEqualTo(before.heapBytes + (16 << 20));
            assertThat(nbd.server.counters().bytesInFlight()).isZero();
        }
    }

    private void comeAndGo(NbdFixture nbd, int connections) {
        WireClient[] open = new WireClient[AT_ONCE];
        for (int i = 0; i < connections; i++) {
            int slot = random.nextInt(AT_ONCE);
            if (open[slot] != null) {
                leave(open[slot]);
            }
            open[slot] = i % 2 == 0 ? nbd.connect() : WireClient.connect(nbd.tcpAddress());
            work(open[slot]);
        }
        for (WireClient client : open) {
            if (client != null) {
                leave(client);
            }
        }
        nbd.awaitNoConnections();
    }

    private void work(WireClient client) {
        client.handshake();
        switch (random.nextInt(5)) {
            case 0 -> client.option(HandshakeWire.OPT_LIST, new byte[0]);
            case 1 -> client.sendOption(HandshakeWire.OPT_GO, WireClient.exportRequest("disk")); // and does not wait
            case 2 -> {
                client.option(HandshakeWire.OPT_EXTENDED_HEADERS, new byte[0]);
                client.option(HandshakeWire.OPT_SET_META_CONTEXT, WireClient.contextQuery("disk", "base:allocation"));
                client.go("disk");
                client.send(WireClient.extendedRequest(0, 7, 1, 0, NbdFixture.SIZE_BYTES));
                client.readExtendedChunk();
                client.send(WireClient.extendedRequest(0, 0, 1, 0, 1 << 20)); // and does not take it
            }
            default -> {
                client.go("disk");
                byte[] data = new byte[1 + random.nextInt(100_000)];
                client.send(WireClient.concat(
                        WireClient.write(1, random.nextInt(1 << 20), data), WireClient.request(0, 3, 2, 0, 0)));
                client.readReply();
                client.readReply();
            }
        }
    }

    private void leave(WireClient client) {
        if (random.nextBoolean()) {
            client.send(WireClient.request(0, 2, 9, 0, 0)); // a goodbye, or nonsense where the handshake is not over
        } else if (random.nextInt(3) == 0) {
            client.send(new byte[random.nextInt(40)]);
        }
        client.close();
    }

    private record Use(long descriptors, int threads, long directBytes, long heapBytes) {}

    private static Use use(NbdFixture nbd) {
        System.gc();
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return new Use(descriptors.count(), Thread.activeCount(), nbd.server.pooledBytes(), heap.getUsed());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
