package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.varve.testing.Background;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What NBD clients get while others wait: by counting answers against each other, and not by the clock. A loop that has
 * no CPU for a while loses its turns, so that the parts are wide.
 */
class StoreSharesSystemTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Enough to be waiting still after a client has had no CPU for half a second. */
    private static final int DEPTH = 128;

    private static final int BLOCK_BYTES = 4096;

    @TempDir
    private Path directory;

    /** A client that always has so many writes on their way. */
    private static final class Busy implements AutoCloseable {
        private final NbdClient client;
        private final AtomicLong answers = new AtomicLong();
        private final CompletableFuture<Void> ended;
        private volatile boolean over;

        Busy(ServerProcess server, String volume) throws IOException {
            client = NbdClient.connect(server.socket(), volume);
            for (int i = 0; i < DEPTH; i++) {
                write(i);
            }
            ended = Background.supply(this::run);
        }

        private void write(long number) throws IOException {
            client.write(number, number % 1024 * BLOCK_BYTES, ByteBuffer.allocate(BLOCK_BYTES));
        }

        private Void run() {
            try {
                for (long number = DEPTH; !over; number++) {
                    client.receiveCookie();
                    answers.incrementAndGet();
                    write(number);
                }
                return null;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() throws IOException {
            over = true;
            ended.join();
            client.close();
        }
    }

    @Test
    void minimumsAndWeightsAreKeptWhileTheStoreIsShort() throws IOException {
        try (ServerProcess server = start("--store-iops=400")) {
            String promised =
                    volume(server, new JsonObject().put("minimumIops", 200).put("weight", 1));
            String one = volume(server, new JsonObject());
            String three = volume(server, new JsonObject().put("weight", 300));
            try (Busy first = new Busy(server, promised);
                    Busy second = new Busy(server, one);
                    Busy third = new Busy(server, three)) {
                await().atMost(PATIENCE).until(() -> third.answers.get() > 100);
                long[] before = {first.answers.get(), second.answers.get(), third.answers.get()};
                await().atMost(PATIENCE).until(() -> first.answers.get() - before[0] >= 600);
                double all = first.answers.get() - before[0];
                long secondGot = second.answers.get() - before[1];
                long thirdGot = third.answers.get() - before[2];
                all += secondGot + thirdGot;
                assertThat(600 / all).isCloseTo(0.5, within(0.08));
                assertThat(secondGot / all).isCloseTo(0.125, within(0.08));
                assertThat(thirdGot / all).isCloseTo(0.375, within(0.08));
                assertThat(server.metric("varve_store_waiting_volumes")).isPositive();
                assertThat(server.api()
                                .get("/v1/store")
                                .body()
                                .getJsonObject("limits")
                                .getInteger("iops"))
                        .isEqualTo(400);
            }
        }
    }

    @Test
    void requestsThatWaitHoldNoThreadAndNobodyElse() throws IOException {
        try (ServerProcess server = start("--scrub-rate=4")) {
            String slow = volume(server, new JsonObject().put("iops", 1));
            List<String> others = new ArrayList<>();
            for (int i = 0; i < 4; i++) { // some on the loop of the slow one
                others.add(volume(server, new JsonObject()));
            }
            writeTo(server, others); // opened, and whatever threads that takes begun
            long threads = server.threads();
            try (NbdClient waiting = NbdClient.connect(server.socket(), slow)) {
                for (int i = 0; i < 200; i++) {
                    waiting.write(i, (long) i * BLOCK_BYTES, ByteBuffer.allocate(BLOCK_BYTES));
                }
                waiting.receiveCookie();
                writeTo(server, others);
                assertThat(server.operations(slow, "write")).isLessThan(200);
                assertThat(server.threads()).isLessThan(threads + 20); // compilers come and go
            }
        }
    }

    private static void writeTo(ServerProcess server, List<String> volumes) throws IOException {
        for (String volume : volumes) {
            try (NbdClient client = NbdClient.connect(server.socket(), volume)) {
                for (int i = 0; i < 500; i++) {
                    client.write(i, (long) i * BLOCK_BYTES, ByteBuffer.allocate(BLOCK_BYTES));
                    assertThat(client.receiveCookie()).isEqualTo(i);
                }
            }
        }
    }

    private ServerProcess start(String option) {
        return ServerProcess.start(directory, List.of(), List.of("--nbd=127.0.0.1:0", option));
    }

    private static String volume(ServerProcess server, JsonObject request) {
        return server.api()
                .post("/v1/volumes", request.copy().put("sizeGiB", 1))
                .body()
                .getString("volumeId");
    }
}
