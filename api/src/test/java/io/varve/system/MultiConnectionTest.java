package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What NBD_FLAG_CAN_MULTI_CONN promises: over several connections to one volume every block behaves as one register,
 * and nobody can tell that there is more than one way to it. Writes and reads of one to three blocks, and snapshots
 * in between; each block is judged on its own, because no larger request is one step.
 */
class MultiConnectionTest {
    private static final int CONNECTIONS = 4;
    private static final int BLOCKS = 48;
    private static final int BLOCK_BYTES = 4096;
    private static final int OPERATIONS = 6000;

    @TempDir
    Path directory;

    /** One operation on one block. */
    private record Step(int block, boolean write, long value, long begin, long end) {}

    @Test
    void severalConnectionsAreLinearizable() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CONNECTIONS);
        try (ServerProcess server = ServerProcess.start(directory)) {
            String volume = server.newVolume("shared", 1);
            AtomicLong values = new AtomicLong();
            List<Future<List<Step>>> clients = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                int seed = i;
                clients.add(threads.submit(() -> work(server.socket(), volume, seed, values)));
            }
            for (int i = 0; i < 6; i++) {
                server.newSnapshot(volume);
            }
            judge(clients);
        } finally {
            threads.shutdownNow();
            assertThat(threads.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
        }
    }

    private static void judge(List<Future<List<Step>>> clients) throws Exception {
        Register[] registers = new Register[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) {
            registers[i] = new Register(0);
        }
        int steps = 0;
        for (Future<List<Step>> client : clients) {
            for (Step step : client.get(3, TimeUnit.MINUTES)) {
                steps++;
                if (step.write) {
                    registers[step.block].write(step.value, step.begin, step.end);
                } else {
                    registers[step.block].read(step.value, step.begin, step.end);
                }
            }
        }
        assertThat(steps).isGreaterThan(CONNECTIONS * OPERATIONS);
        for (int i = 0; i < BLOCKS; i++) {
            assertThat(registers[i].contradiction()).as("block %d", i).isEmpty();
        }
    }

    private static List<Step> work(Path socket, String volume, int seed, AtomicLong values) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<Step> steps = new ArrayList<>();
        try (NbdClient client = NbdClient.connect(socket, volume)) {
            for (int i = 0; i < OPERATIONS; i++) {
                int count = 1 + random.nextInt(3);
                int first = random.nextInt(BLOCKS - count + 1);
                boolean write = random.nextInt(2) == 0;
                ByteBuffer content = ByteBuffer.allocateDirect(count * BLOCK_BYTES);
                long[] written = new long[count];
                for (int block = 0; block < count && write; block++) {
                    written[block] = values.incrementAndGet();
                    for (int at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
                        content.putLong(block * BLOCK_BYTES + at, written[block]);
                    }
                }
                long begin = System.nanoTime();
                if (write) {
                    client.write(i, (long) first * BLOCK_BYTES, content);
                    client.receiveCookie();
                } else {
                    client.read((long) first * BLOCK_BYTES, content);
                }
                long end = System.nanoTime();
                for (int block = 0; block < count; block++) {
                    long value = write ? written[block] : whole(content, block * BLOCK_BYTES);
                    steps.add(new Step(first + block, write, value, begin, end));
                }
            }
        }
        return steps;
    }

    /** The value of a block, which stands in all of it. */
    private static long whole(ByteBuffer content, int from) {
        long value = content.getLong(from);
        for (int at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
            assertThat(content.getLong(from + at))
                    .as("a block is never a mixture")
                    .isEqualTo(value);
        }
        return value;
    }
}
