package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A snapshot of a large volume becomes a volume that can be used at once. */
class RestoreTest {
    private static final int PIECES = 1024;
    private static final int SIZE_GIB = 1024;
    private static final int PIECE_BYTES = 1 << 20;

    @Test
    void aTebibyteWithAGibibyteInItIsRestored(@TempDir Path directory) throws IOException {
        try (ServerProcess server = ServerProcess.start(directory)) {
            String volume = server.newVolume("original", SIZE_GIB);
            try (NbdClient client = NbdClient.connect(server.socket(), "original")) {
                ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
                for (int i = 0; i < PIECES; i++) {
                    client.write(i, offset(i), piece.putInt(0, i));
                    assertThat(client.receiveCookie()).isEqualTo(i);
                }
            }
            String snapshot = server.newSnapshot(volume);
            timedRestore(server, "restored", snapshot);
            timedRestore(server, "again", snapshot);
        }
    }

    private static long offset(int piece) {
        return (long) piece * SIZE_GIB / PIECES << 30;
    }

    private static void timedRestore(ServerProcess server, String name, String snapshot) throws IOException {
        long begin = System.nanoTime();
        server.restore(name, snapshot);
        long restored = System.nanoTime();
        try (NbdClient client = NbdClient.connect(server.socket(), name)) {
            ByteBuffer start = ByteBuffer.allocate(Integer.BYTES);
            for (int i = 0; i < PIECES; i++) {
                client.read(offset(i), start.clear());
                assertThat(start.getInt(0)).isEqualTo(i);
            }
        }
        System.out.printf("restored 1 TiB with 1 GiB in it in %d us%n", (restored - begin) / 1_000);
    }
}
