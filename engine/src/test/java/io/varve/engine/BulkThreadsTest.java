package io.varve.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class BulkThreadsTest {
    /** Of /proc/PID/stat, counted from what follows the name in parentheses (proc(5), "nice" is field 19). */
    private static final int NICE_FIELD = 19 - 3;

    @Test
    void itsThreadsGiveWayAndNoOtherDoes() {
        int before = nice();
        CompletableFuture<Integer> inside = new CompletableFuture<>();

        Thread thread = new BulkThreads("copying").newThread(() -> inside.complete(nice()));
        thread.start();

        assertThat(thread.isDaemon()).isTrue();
        assertThat(thread.getName()).isEqualTo("copying");
        assertThat(inside.join()).isEqualTo(Math.min(before + BulkThreads.NICE, 19));
        assertThat(nice()).isEqualTo(before);
    }

    private static int nice() {
        try {
            String stat = Files.readString(Path.of("/proc/thread-self/stat"));
            return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[NICE_FIELD]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
