package io.varve.api.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit log: whole lines, bounded files, and no change that waits for a disk that takes none. */
class AuditLogTest {
    private static final int MOST_WAITING = 5;

    @TempDir
    private Path directory;

    private AuditLog log(long mostBytes) {
        return new AuditLog(directory, () -> Instant.EPOCH, mostBytes, MOST_WAITING);
    }

    private static void note(AuditLog log, String operation) {
        log.note(Caller.OPEN, "rest", operation, List.of(), 200).join();
    }

    @Test
    void aLineIsThereWhenTheNoteIsTaken() throws IOException {
        try (AuditLog log = log(1 << 20)) {
            note(log, "createVolume");
            assertThat(Files.readString(directory.resolve("audit.log")))
                    .isEqualTo("{\"time\":\"1970-01-01T00:00:00Z\",\"who\":\"open\",\"api\":\"rest\",\"operation\":"
                            + "\"createVolume\",\"resources\":[],\"status\":200}\n");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("audit.log"))))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void fourOlderFilesAreKept() throws IOException {
        try (AuditLog log = log(1)) { // a file for each line
            for (int line = 1; line <= 7; line++) {
                note(log, "operation" + line);
            }
        }
        assertThat(Files.readString(directory.resolve("audit.log"))).contains("operation7");
        assertThat(Files.readString(directory.resolve("audit.log.4"))).contains("operation3");
        assertThat(directory.resolve("audit.log.5")).doesNotExist();
    }

    @Test
    void linesWaitForADiskThatTakesNoneAndTheGapIsSaid() throws IOException {
        Path file = directory.resolve("audit.log");
        try (AuditLog log = log(1 << 20)) {
            Files.createDirectory(file); // cannot be written to, whoever the test runs as
            for (int line = 0; line < MOST_WAITING + 3; line++) {
                note(log, "operation" + line);
            }
            assertThat(log.unwritten()).isEqualTo(MOST_WAITING + 3);
            Files.delete(file);
            note(log, "last");
            assertThat(log.unwritten()).isZero();
        }
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.get(0)).isEqualTo("{\"lost\":3}");
        assertThat(lines).hasSize(MOST_WAITING + 2);
        assertThat(lines.get(1)).contains("operation3\"");
        assertThat(lines.get(lines.size() - 1)).contains("last");
    }

    @Test
    void aNoteAfterTheEndIsNotAFailure() {
        AuditLog log = log(1 << 20);
        log.close();
        note(log, "late");
        assertThat(directory.resolve("audit.log")).doesNotExist();
    }
}
