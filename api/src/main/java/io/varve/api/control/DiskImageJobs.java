package io.varve.api.control;

import io.varve.api.diskimage.Conversion;
import io.varve.api.diskimage.DiskImageException;
import io.varve.api.diskimage.DiskImages;
import io.varve.engine.BulkThreads;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Conversions of disk images under way. Each has a thread and a child process while it lasts; there are few, and more
 * are refused. Thread-safe.
 */
final class DiskImageJobs implements AutoCloseable {
    /** Each may take as much memory as a child is allowed, and keeps a processor busy. */
    static final int MOST = 2;

    private static final int GIB_SHIFT = 30;
    private static final Logger LOG = LoggerFactory.getLogger(DiskImageJobs.class);

    private final Optional<DiskImages> images;
    private final Map<String, Job> running = new ConcurrentHashMap<>();
    private final ExecutorService threads = new ThreadPoolExecutor(
            0, MOST, 1, TimeUnit.SECONDS, new SynchronousQueue<>(), new BulkThreads("disk-image"));

    DiskImageJobs(Optional<DiskImages> images) {
        this.images = images;
    }

    private record Job(Conversion conversion, CompletableFuture<Void> ended) {}

    /** Fails with UNSUPPORTED_OPERATION if there is no directory for them. */
    DiskImages images() {
        return images.orElseThrow(() -> new RequestException(
                ErrorCode.UNSUPPORTED_OPERATION,
                "disk images are read and written in one directory only, and this server has none:"
                        + " start it with --import-dir"));
    }

    /** Removes what an earlier life did not finish; what cannot be removed stays. */
    void deleteUnfinished() {
        try {
            images.ifPresent(DiskImages::deleteUnfinished);
        } catch (DiskImageException e) {
            LOG.warn("unfinished files stay in the import directory", e);
        }
    }

    /** True for what a job fails with that is taken back, or that the server's end cuts short. */
    static boolean wasCancelled(RuntimeException failure) {
        return failure instanceof DiskImageException e && e.reason() == DiskImageException.Reason.CANCELLED;
    }

    /** The size of the volume that an image needs: whole GiB. Fails as {@link RequestException} says. */
    long sizeBytes(ImportEntry.Image image) {
        try {
            long bytes = images().inspect(image.file(), image.format());
            return (bytes + (1L << GIB_SHIFT) - 1) >> GIB_SHIFT << GIB_SHIFT;
        } catch (DiskImageException e) {
            throw RequestException.of(e);
        }
    }

    /**
     * Begins one. Fails with REQUEST_LIMIT_EXCEEDED.
     *
     * @param id of what it is for
     * @param begun is run before the work, on the caller's thread, if there is room
     * @param work may block; never fails
     */
    void start(String id, Runnable begun, Consumer<Conversion> work) {
        Job job = new Job(new Conversion(), new CompletableFuture<>());
        CompletableFuture<Void> said = new CompletableFuture<>();
        running.put(id, job);
        try {
            threads.execute(() -> {
                try {
                    if (said.handle((done, failure) -> failure == null).join()) {
                        work.accept(job.conversion());
                    }
                } finally {
                    running.remove(id);
                    job.ended().complete(null);
                }
            });
        } catch (RejectedExecutionException e) {
            running.remove(id);
            throw new RequestException(
                    ErrorCode.REQUEST_LIMIT_EXCEEDED,
                    MOST + " disk images are being read and written already: try again later");
        }
        try {
            begun.run();
            said.complete(null);
        } catch (RuntimeException e) {
            said.completeExceptionally(e);
            throw e;
        }
    }

    /** How far it is, from 0 to 100; 0 if it is not running. */
    int percent(String id) {
        return Optional.ofNullable(running.get(id))
                .map(job -> job.conversion().percent())
                .orElse(0);
    }

    /** Ends it and waits until what it left is undone. Blocks. */
    void cancel(String id) {
        Job job = running.get(id);
        if (job != null) {
            job.conversion().cancel();
            job.ended().join();
        }
    }

    /** Ends all. Blocks. */
    @Override
    public void close() {
        threads.shutdown();
        running.keySet().forEach(this::cancel);
    }
}
