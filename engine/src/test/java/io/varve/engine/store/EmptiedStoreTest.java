package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.testing.RequiresTools;
import io.varve.testing.Tools;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume that was overwritten and then trimmed whole leaves little on a real disk. */
@RequiresTools("du")
class EmptiedStoreTest {
    private static final int STEP = 1 << 20;
    /** What may stay, the ballast not counted. */
    private static final long MOST_BYTES = 64 << 20;

    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final Duration AMPLE = Duration.ofMinutes(2);

    @TempDir
    Path directory;

    @Test
    void theDiskComesBackAfterATrimOfAll() throws Exception {
        overwriteAndTrim(256L << 20);
    }

    @Test
    @Tag("slow")
    void theDiskComesBackAfterATrimOfFourGibibytes() throws Exception {
        overwriteAndTrim(4L << 30);
    }

    private void overwriteAndTrim(long bytes) throws Exception {
        try (RealThreads threads = new RealThreads();
                BlockStore store = BlockStore.open(directory, StoreOptions.DEFAULT, threads)) {
            store.createVolume(VOLUME, bytes).get();
            Volume volume = store.open(VOLUME).get();
            for (int round = 1; round <= 2; round++) {
                write(volume, bytes, round);
            }
            assertThat(diskBytes()).isGreaterThan(bytes);

            call(volume, (opened, done) -> opened.trim(0, bytes, true, done));

            Awaitility.await()
                    .atMost(AMPLE)
                    .pollInterval(Duration.ofMillis(500))
                    .untilAsserted(() -> assertThat(diskBytes()).isLessThan(MOST_BYTES));
            System.out.printf("of %,d bytes overwritten and trimmed %,d stay on disk%n", bytes, diskBytes());
            volume.release();
        }
    }

    private static void write(Volume volume, long bytes, int value) throws Exception {
        ByteBuffer source = SimulatedStore.filled(STEP, value);
        for (long at = 0; at < bytes; at += STEP) {
            long offset = at;
            CompletableFuture<Boolean> writable = new CompletableFuture<>();
            volume.loop().execute(() -> volume.whenWritable(() -> writable.complete(true)));
            writable.get();
            call(volume, (opened, done) -> opened.write(offset, source, false, done));
        }
    }

    private static void call(Volume volume, BiConsumer<Volume, Completion> request) throws Exception {
        CompletableFuture<IoStatus> result = new CompletableFuture<>();
        volume.loop().execute(() -> {
            request.accept(volume, result::complete);
            volume.submit();
        });
        assertThat(result.get()).isEqualTo(IoStatus.OK);
    }

    /** Allocated blocks, without the ballast's. */
    private long diskBytes() throws Exception {
        return usedBy(directory) - usedBy(directory.resolve("ballast"));
    }

    private static long usedBy(Path path) {
        assertThat(Files.exists(path)).isTrue();
        String line = Tools.run(AMPLE, "du", "-s", "--block-size=1", path.toString())
                .succeeded()
                .output();
        return Long.parseLong(line.split("\t", 2)[0]);
    }
}
