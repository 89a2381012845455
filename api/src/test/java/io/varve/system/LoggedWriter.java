package io.varve.system;

import io.varve.api.DaemonThreads;
import io.varve.engine.BlockStore;
import io.varve.engine.Completion;
import io.varve.engine.IoStatus;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreOptions;
import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import io.varve.nbd.NettyLoops;
import io.varve.nbd.Transport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/**
 * Runs in a guest: makes the changes of {@link LoggedHistory} to a volume of a new store, and marks the log of the
 * device below it where some are flushed and where a snapshot of so many is there. Segments, logs and checkpoints are
 * small, so that recycling and compaction begin early.
 */
final class LoggedWriter {
    static final VolumeId VOLUME = new VolumeId(0xA, 1);
    static final String FLUSHED = "flushed-";
    static final String SNAPSHOT = "snapshot-";

    private static final StoreOptions OPTIONS =
            new StoreOptions(8 << 20, 2 << 20, 2 << 20, 4 << 20, 1 << 20).withBallast(1 << 20);
    /** So many changes are made, and waited for, before the next. */
    static final int BATCH = 16;

    private static final int BATCHES_PER_FLUSH = 2;
    private static final int BATCHES_PER_SNAPSHOT = 10;
    /** A snapshot is deleted when there is one of so many changes later. */
    static final long KEPT_CHANGES = 4L * BATCHES_PER_SNAPSHOT * BATCH;

    private LoggedWriter() {}

    /** The snapshot of the disk after so many changes. */
    static SnapshotId snapshot(long changes) {
        return new SnapshotId(0xB, changes);
    }

    /**
     * Makes the changes.
     *
     * @param arguments the store's directory, and how many
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (NettyLoops loops = NettyLoops.start(Transport.NIO, 1);
                DaemonThreads threads = new DaemonThreads(loops);
                BlockStore store = BlockStore.open(Path.of(arguments[0]), OPTIONS, threads)) {
            store.createVolume(VOLUME, 1L << 30).join();
            Volume volume = store.open(VOLUME).join();
            run(store, volume, Long.parseLong(arguments[1]));
            // As a crash would have it: what is closed in order leaves less to recover.
            Runtime.getRuntime().halt(0);
        }
    }

    private static void run(BlockStore store, Volume volume, long changes) throws IOException, InterruptedException {
        long done = 0;
        for (int batch = 1; done < changes; batch++) {
            for (long end = done + BATCH; done < end; ) {
                int together = LoggedHistory.together(done + 1, end);
                make(volume, done + 1, together).join();
                done += together;
            }
            if (batch % BATCHES_PER_FLUSH == 0) {
                flush(volume).join();
                mark(FLUSHED + done);
            }
            if (batch % BATCHES_PER_SNAPSHOT == 0) {
                store.createSnapshot(snapshot(done), VOLUME).join();
                mark(SNAPSHOT + done);
                if (done > KEPT_CHANGES) {
                    store.deleteSnapshot(snapshot(done - KEPT_CHANGES)).join();
                }
            }
        }
        System.out.println("made " + done + " changes");
    }

    private static CompletableFuture<Void> make(Volume volume, long first, int count) {
        CompletableFuture<Void> made = new CompletableFuture<>();
        volume.loop().execute(() -> {
            Completion each = countingDown(count, made);
            for (int i = 0; i < count; i++) {
                LoggedHistory change = LoggedHistory.change(first + i);
                if (change.trim()) {
                    volume.trim(change.offset(), change.bytes(), false, each);
                } else {
                    volume.write(change.offset(), change.content(), false, each);
                }
            }
            volume.submit();
        });
        return made;
    }

    private static CompletableFuture<Void> flush(Volume volume) {
        CompletableFuture<Void> flushed = new CompletableFuture<>();
        volume.loop().execute(() -> {
            volume.flush(countingDown(1, flushed));
            volume.submit();
        });
        return flushed;
    }

    private static Completion countingDown(int requests, CompletableFuture<Void> all) {
        int[] left = {requests};
        return status -> {
            if (status != IoStatus.OK) {
                all.completeExceptionally(new IOException("a request ended with " + status));
            } else if (--left[0] == 0) {
                all.complete(null);
            }
        };
    }

    private static void mark(String text) throws IOException, InterruptedException {
        Process dmsetup = new ProcessBuilder("dmsetup", "message", "log", "0", "mark", text)
                .inheritIO()
                .start();
        if (dmsetup.waitFor() != 0) {
            throw new IOException("dmsetup cannot mark the log");
        }
    }
}
