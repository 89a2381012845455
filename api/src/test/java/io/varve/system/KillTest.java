package io.varve.system;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.varve.testing.Background;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server is killed again and again while a client writes; no acknowledged write may be lost (law 1). */
class KillTest {
    private static final int ROUNDS = Integer.getInteger("varve.kill.rounds", 5);
    private static final int SECTORS = 8 << 20 >> 9;
    private static final int MAX_WRITES = 16_000;
    private static final String EXPORT = "disk";

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final SectorModel model = new SectorModel(SECTORS);
    private final TreeMap<String, SectorModel> snapshots = new TreeMap<>();
    private long lastWrite;

    @TempDir
    Path directory;

    @Test
    void everyAcknowledgedWriteIsThereAfterAKill() throws IOException {
        System.out.printf("killing a server %d times, seed %d%n", ROUNDS, seed);
        String volume;
        try (ServerProcess server = ServerProcess.start(directory)) {
            volume = server.newVolume(EXPORT, 1);
            writeUntilKilled(server, volume, false);
        }
        for (int round = 2; round <= ROUNDS; round++) {
            try (ServerProcess server = startedAfterKill()) {
                writeUntilKilled(server, volume, round % 2 == 0);
            }
        }
        try (ServerProcess server = startedAfterKill()) {
            for (String snapshot : snapshots.keySet()) {
                server.restore("restored-" + snapshot, snapshot);
                verify(server, "restored-" + snapshot, snapshots.get(snapshot));
            }
        }
    }

    /** A server on what the killed one left, with all that it should have. */
    private ServerProcess startedAfterKill() throws IOException {
        long begin = System.nanoTime();
        ServerProcess server = ServerProcess.start(directory);
        long ready = System.nanoTime();
        boolean verified = false;
        try {
            try (NbdClient client = NbdClient.connect(server.socket(), EXPORT)) {
                client.read(0, ByteBuffer.allocate(SectorModel.SECTOR_BYTES));
            }
            long read = System.nanoTime();
            int inFlight = model.inFlight();
            verify(server, EXPORT, model);
            verified = true;
            System.out.printf(
                    "after write %,d with %d in flight: ready in %d ms, first read in %d ms%n",
                    lastWrite, inFlight, (ready - begin) / 1_000_000, (read - begin) / 1_000_000);
            return server;
        } finally {
            if (!verified) {
                server.close();
            }
        }
    }

    private static void verify(ServerProcess server, String export, SectorModel model) throws IOException {
        ByteBuffer disk = ByteBuffer.allocate(model.sectors() * SectorModel.SECTOR_BYTES);
        try (NbdClient client = NbdClient.connect(server.socket(), export)) {
            while (disk.position() < disk.capacity()) {
                int next = Math.min(disk.position() + (1 << 20), disk.capacity());
                client.read(disk.position(), disk.limit(next));
            }
        }
        model.verify(disk);
    }

    /** Writes until the server, killed by somebody else at some moment, is gone. */
    private void writeUntilKilled(ServerProcess server, String volume, boolean withSnapshot) throws IOException {
        long killAt = lastWrite + 1 + random.nextInt(MAX_WRITES);
        try (NbdClient client = NbdClient.connect(server.socket(), EXPORT)) {
            RandomWriter writer = new RandomWriter(client, model, random, lastWrite);
            if (withSnapshot) {
                writeUpTo(lastWrite + (killAt - lastWrite) / 2, writer);
                writer.drain();
                snapshots.put(server.newSnapshot(volume), model.copy());
            }
            writeUpTo(killAt, writer);
            CompletableFuture<Void> kill = Background.run(server::kill);
            assertThatThrownBy(() -> writeUpTo(Long.MAX_VALUE, writer)).isInstanceOf(IOException.class);
            assertThatThrownBy(writer::receiveRest).isInstanceOf(IOException.class);
            kill.join();
            lastWrite = writer.lastWrite();
        }
    }

    private static void writeUpTo(long number, RandomWriter writer) throws IOException {
        while (writer.lastWrite() < number) {
            writer.write();
        }
    }
}
