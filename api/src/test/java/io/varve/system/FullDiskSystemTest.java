package io.varve.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.testing.RequiresRoot;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A store on a small file system that another process fills to the last block (law 6): what was acknowledged is read,
 * deleting over REST and trimming work and give the space back, also after a kill, and writes go on by themselves.
 */
@Tag("slow")
@RequiresRoot
@RequiresTools({"losetup", "mount", "umount", "mkfs.ext4", "mkfs.xfs", "dd"})
class FullDiskSystemTest {
    private static final int ENOSPC = 28;
    private static final int STEP = 1 << 20;
    private static final Duration AMPLE = Duration.ofMinutes(1);

    @TempDir
    Path directory;

    /** A file system as small as it may be. */
    enum FileSystem {
        EXT4("mkfs.ext4 -q -m 0", 256),
        XFS("mkfs.xfs -q", 320);

        private final String make;
        private final int sizeMib;

        FileSystem(String make, int sizeMib) {
            this.make = make;
            this.sizeMib = sizeMib;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFullDiskIsAnAnswerAndNotAnAccident(FileSystem system) throws IOException {
        Path data = Files.createDirectories(directory.resolve("data"));
        String device = makeFileSystem(system);
        HostMount.run("mount", device, data.toString());
        try {
            int reached = whileFull();
            afterAKill(reached);
        } finally {
            HostMount.run("umount", data.toString());
            HostMount.run("losetup", "-d", device);
        }
    }

    private String makeFileSystem(FileSystem system) throws IOException {
        Path image = directory.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) system.sizeMib << 20);
        }
        HostMount.run((system.make + " " + image).split(" ", -1));
        return HostMount.run("losetup", "-f", "--show", image.toString())
                .output()
                .strip();
    }

    /** Answers where the value 3 ends, which begins at step 16. */
    private int whileFull() throws IOException {
        int reached;
        try (ServerProcess server = ServerProcess.start(directory)) {
            String kept = server.newVolume("kept", 1);
            String going = server.newVolume("going", 1);
            try (NbdClient client = NbdClient.connect(server.socket(), going)) {
                write(client, 0, 24, 1);
                flush(client);
            }
            String snapshot = server.newSnapshot(going);
            try (NbdClient client = NbdClient.connect(server.socket(), kept)) {
                write(client, 0, 16, 2);
                fillFromOutside("filler");
                reached = writeUntilFull(client, 16, 3);
                flush(client);
                check(client, 0, 16, 2);
                check(client, 16, reached, 3);

                delete(server, "/v1/volumes/" + going);
                delete(server, "/v1/snapshots/" + snapshot);
                awaitWrite(client, reached, 4);

                fillFromOutside("filler-2");
                writeUntilFull(client, reached + 1, 3);
                client.trim(0, 0, 16 * STEP);
                assertThat(client.receiveError()).isZero();
                flush(client);
                check(client, 0, 16, 0);
                awaitWrite(client, 0, 5);
            }
            server.kill();
        }
        return reached;
    }

    private void afterAKill(int endOfThrees) throws IOException {
        fillFromOutside("filler-3");
        try (ServerProcess server = ServerProcess.start(directory)) {
            try (NbdClient client = NbdClient.connect(server.socket(), "kept")) {
                check(client, 0, 1, 5);
                check(client, 16, endOfThrees, 3);
                flush(client);
                int reached = writeUntilFull(client, 1, 6);
                check(client, 1, Math.min(reached, 16), 6);

                Files.delete(directory.resolve("data/filler"));

                awaitWrite(client, reached, 7);
            }
            Awaitility.await()
                    .atMost(AMPLE)
                    .untilAsserted(() -> assertThat(reserveBytes(server)).isEqualTo(ballastBytes()));
            assertThat(ballastBytes()).isGreaterThanOrEqualTo(14 << 20);
        }
    }

    /** Another process takes every block. */
    private void fillFromOutside(String name) {
        for (String blockSize : new String[] {"1M", "4k"}) {
            Path file = directory.resolve("data").resolve(name);
            Tools.Finished dd = Tools.run(
                    AMPLE, "dd", "if=/dev/zero", "of=" + file, "bs=" + blockSize, "oflag=append", "conv=notrunc,fsync");
            assertThat(dd.errors()).contains("No space left on device");
        }
    }

    private static void write(NbdClient client, int firstStep, int endStep, int value) throws IOException {
        for (int step = firstStep; step < endStep; step++) {
            assertThat(writeStep(client, step, value)).as("step %d", step).isZero();
        }
    }

    private static int writeStep(NbdClient client, int step, int value) throws IOException {
        client.write(step, (long) step * STEP, filled(value));
        int error = client.receiveError();
        return error;
    }

    private static int writeUntilFull(NbdClient client, int firstStep, int value) throws IOException {
        int step = firstStep;
        int error = writeStep(client, step, value);
        while (error == 0) {
            step++;
            error = writeStep(client, step, value);
        }
        assertThat(error).isEqualTo(ENOSPC);
        return step;
    }

    private static void awaitWrite(NbdClient client, int step, int value) {
        Awaitility.await()
                .atMost(AMPLE)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> writeStep(client, step, value) == 0);
    }

    private static void flush(NbdClient client) throws IOException {
        client.flush(0);
        client.receiveCookie();
    }

    private static void check(NbdClient client, int firstStep, int endStep, int value) throws IOException {
        ByteBuffer found = ByteBuffer.allocateDirect(STEP);
        for (int step = firstStep; step < endStep; step++) {
            client.read((long) step * STEP, found.clear());
            assertThat(found.flip()).as("step %d", step).isEqualTo(filled(value));
        }
    }

    private static ByteBuffer filled(int value) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(STEP);
        while (bytes.hasRemaining()) {
            bytes.put((byte) value);
        }
        return bytes.flip();
    }

    private static void delete(ServerProcess server, String path) {
        Awaitility.await().atMost(AMPLE).until(() -> server.api().delete(path).status() == 204);
    }

    private static long reserveBytes(ServerProcess server) {
        return server.api()
                .get("/metrics")
                .response()
                .body()
                .lines()
                .filter(line -> line.startsWith("varve_store_space_bytes{kind=\"reserve\"}"))
                .mapToLong(line -> (long) Double.parseDouble(line.split(" ", 2)[1]))
                .sum();
    }

    private long ballastBytes() throws IOException {
        return Files.size(directory.resolve("data/ballast"));
    }
}
