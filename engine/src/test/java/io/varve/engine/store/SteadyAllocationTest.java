package io.varve.engine.store;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests of a volume that has been in use for a while put nothing on the heap, on a real disk. */
class SteadyAllocationTest {
    private static final VolumeId VOLUME = new VolumeId(1, 1);
    private static final int BLOCK = BlockStore.BLOCK_BYTES;
    private static final int BLOCKS = 4096;
    private static final int DEPTH = 32;
    private static final int ROUNDS = 64;
    /** The compiler has to have seen the path, or objects that never leave a method are made all the same. */
    private static final int WARM_UP_CALLS = 12;

    /** Going on to another segment allocates, once in thousands of writes. */
    private static final long MOST_BYTES_PER_REQUEST = 2;

    @TempDir
    Path directory;

    private final ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final SplittableRandom random = new SplittableRandom(1);
    private final ByteBuffer[] buffers = new ByteBuffer[DEPTH];
    private int failed;
    private final Completion answer = status -> {
        if (status != IoStatus.OK) {
            failed++;
        }
    };

    @BeforeEach
    void fillBuffers() {
        for (int i = 0; i < DEPTH; i++) {
            buffers[i] = SimulatedStore.filled(BLOCK, i + 1);
        }
    }

    @Test
    void writesAndReadsAllocateNothing() throws Exception {
        try (RealThreads threads = new RealThreads();
                BlockStore store = BlockStore.open(directory, StoreOptions.DEFAULT, threads)) {
            store.createVolume(VOLUME, (long) BLOCKS * BLOCK).get();
            Volume volume = store.open(VOLUME).get();

            long perWrite = bytesPerRequest(volume, this::write);
            long perRead = bytesPerRequest(volume, this::read);

            assertThat(perWrite).isLessThanOrEqualTo(MOST_BYTES_PER_REQUEST);
            assertThat(perRead).isLessThanOrEqualTo(MOST_BYTES_PER_REQUEST);
            assertThat(failed).isZero();
            volume.release();
        }
    }

    private interface Operation {
        void request(Volume volume, int buffer);
    }

    private void write(Volume volume, int buffer) {
        volume.write((long) random.nextInt(BLOCKS) * BLOCK, buffers[buffer], false, answer);
    }

    private void read(Volume volume, int buffer) {
        volume.read((long) random.nextInt(BLOCKS) * BLOCK, buffers[buffer], answer);
    }

    private long bytesPerRequest(Volume volume, Operation operation) throws Exception {
        for (int i = 0; i < WARM_UP_CALLS; i++) {
            onLoop(volume, () -> rounds(volume, operation));
            flush(volume);
        }
        return onLoop(volume, () -> rounds(volume, operation)) / ((long) ROUNDS * DEPTH);
    }

    /** What the loop's thread has allocated for a number of batches, all of them answered at once. */
    private long rounds(Volume volume, Operation operation) {
        long before = memory.getThreadAllocatedBytes(Thread.currentThread().getId());
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < DEPTH; i++) {
                buffers[i].clear();
                operation.request(volume, i);
            }
            volume.submit();
        }
        return memory.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
    }

    private static <T> T onLoop(Volume volume, Callable<T> task) throws Exception {
        CompletableFuture<T> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            try {
                done.complete(task.call());
            } catch (Exception | AssertionError e) {
                done.completeExceptionally(e);
            }
        });
        return done.get();
    }

    private static void flush(Volume volume) throws Exception {
        CompletableFuture<IoStatus> done = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.flush(done::complete);
            volume.submit();
        });
        assertThat(done.get()).isEqualTo(IoStatus.OK);
    }
}
