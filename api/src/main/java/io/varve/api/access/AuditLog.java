package io.varve.api.access;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who changed what, and when: a line of JSON for each change in {@code audit.log} of the data directory, the kernel's
 * before the change is answered. Four older files are kept. Thread-safe; a thread of its own writes.
 *
 * <p>On a full disk nothing waits and no change is refused, because deletions have to work then (law 6). Lines wait in
 * memory and are written with the next one; each is in the server's log too. Of more than 1,000 the oldest
 * go, and a line says how many.
 */
public final class AuditLog implements AutoCloseable {
    /** The file's name in the data directory; older ones have a number behind it. */
    public static final String FILE_NAME = "audit.log";

    /** How many lines wait for a disk that takes none. */
    private static final int MOST_WAITING = 1000;

    private static final Logger LOG = LoggerFactory.getLogger(AuditLog.class);
    private static final long FILE_BYTES = 16 << 20;
    private static final int OLDER_FILES = 4;
    private static final long CLOSE_SECONDS = 10;

    private final Path file;
    private final long mostBytes;
    private final int mostWaiting;
    private final InstantSource clock;
    private final Deque<String> waiting = new ArrayDeque<>();
    private long lost;
    private volatile long unwritten;
    private final ExecutorService writer = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "audit");
        thread.setDaemon(true);
        return thread;
    });

    public AuditLog(Path dataDirectory, InstantSource clock) {
        this(dataDirectory, clock, FILE_BYTES, MOST_WAITING);
    }

    AuditLog(Path dataDirectory, InstantSource clock, long mostBytes, int mostWaiting) {
        this.file = dataDirectory.resolve(FILE_NAME);
        this.clock = clock;
        this.mostBytes = mostBytes;
        this.mostWaiting = mostWaiting;
    }

    /**
     * Notes a change.
     *
     * @param face which API it came by
     * @param operation in the words of that API
     * @param resources what was changed; empty where nothing came of it
     * @param status of the answer, as HTTP has it
     * @return complete when the line is written, or is known to wait; never fails
     */
    public CompletableFuture<Void> note(
            Caller caller, String face, String operation, List<String> resources, int status) {
        String line = new JsonObject()
                        .put("time", clock.instant().toString())
                        .put("who", caller.id())
                        .put("api", face)
                        .put("operation", operation)
                        .put("resources", new JsonArray(resources))
                        .put("status", status)
                        .encode()
                + "\n";
        try {
            return CompletableFuture.runAsync(() -> append(line), writer);
        } catch (RejectedExecutionException e) {
            LOG.error("not in {}, which is closed: {}", file, line.strip());
            return CompletableFuture.completedFuture(null);
        }
    }

    /** How many lines are not in the file because the disk took none: those that wait, and those that had to go. */
    public long unwritten() {
        return unwritten;
    }

    private void append(String line) {
        waiting.addLast(line);
        try {
            rotate();
            write();
        } catch (IOException e) {
            LOG.error("{} takes no line now ({}): {}", file, e.getMessage(), line.strip());
            if (waiting.size() > mostWaiting) {
                waiting.removeFirst();
                lost++;
            }
        }
        unwritten = waiting.size() + lost;
    }

    private void write() throws IOException {
        try (FileChannel channel = FileChannel.open(
                file,
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            long end = channel.size();
            channel.position(end);
            String gap = lost == 0 ? "" : new JsonObject().put("lost", lost).encode() + "\n";
            ByteBuffer bytes = ByteBuffer.wrap((gap + String.join("", waiting)).getBytes(StandardCharsets.UTF_8));
            try {
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            } catch (IOException e) {
                channel.truncate(end); // no half lines
                throw e;
            }
        }
        waiting.clear();
        lost = 0;
    }

    private void rotate() throws IOException {
        if (!Files.exists(file) || Files.size(file) < mostBytes) {
            return;
        }
        for (int older = OLDER_FILES - 1; older >= 0; older--) {
            Path from = older == 0 ? file : older(older);
            if (Files.exists(from)) {
                Files.move(from, older(older + 1), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    private Path older(int number) {
        return file.resolveSibling(FILE_NAME + "." + number);
    }

    /** Waits for what was noted. Never interrupts, because files are touched. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
