package io.varve.api.rest;

import io.varve.api.control.ControlPlane;
import io.varve.api.control.ErrorCode;
import io.varve.api.control.ImportId;
import io.varve.api.control.ImportReceiver;
import io.varve.api.control.RequestException;
import io.varve.api.portable.SnapshotExport;
import io.varve.engine.BulkThreads;
import io.varve.engine.SnapshotId;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Portable files on their way out and in. Each has a thread while it lasts, because it waits for storage and for the
 * client; there are few, and more are refused. What the client does not take is not read from storage, and what storage
 * does not take is not read from the client.
 */
final class Transfers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Transfers.class);
    private static final String TYPE = "application/octet-stream";
    private static final long CLOSE_SECONDS = 10;
    private static final byte[] END = {};

    private final Vertx vertx;
    private final ControlPlane control;
    private final Failure failure;
    private final CompletableFuture<Void> stopping = new CompletableFuture<>();
    private final ExecutorService threads = new ThreadPoolExecutor(
            0, RestLimits.TRANSFERS, 1, TimeUnit.SECONDS, new SynchronousQueue<>(), new BulkThreads("transfer"));

    Transfers(Vertx vertx, ControlPlane control, Failure failure) {
        this.vertx = vertx;
        this.control = control;
        this.failure = failure;
    }

    /** How a request is answered that failed. */
    interface Failure {
        void answer(HttpServerRequest request, Throwable problem);
    }

    /** Sends a file. On the loop. */
    void send(HttpServerRequest request, SnapshotId id, Query query) {
        Optional<SnapshotId> since = query.text("since").map(text -> Requests.snapshotId("since", text));
        SnapshotExport export = control.export(id, since);
        Optional<SnapshotExport.Position> from = position(query);
        Outgoing outgoing = new Outgoing(request.response(), vertx.getOrCreateContext());
        run(request, outgoing.loop, () -> {
            export.write(from, outgoing);
            outgoing.end();
        });
    }

    private static Optional<SnapshotExport.Position> position(Query query) {
        Optional<String> digest = query.text("digest");
        Optional<String> from = query.text("from");
        if (digest.isPresent() != from.isPresent()) {
            throw new RequestException(ErrorCode.INVALID_PARAMETER_COMBINATION, "from and digest go together");
        }
        if (digest.isEmpty()) {
            return Optional.empty();
        }
        if (!digest.get().matches("[0-9a-f]{64}") || !from.get().matches("[0-9]{1,15}")) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "from is a number of bytes and digest has 64 hexadecimal digits, as the last record says");
        }
        return Optional.of(new SnapshotExport.Position(Long.parseLong(from.get()), digest.get()));
    }

    /** Takes a file in, or a part of one. On the loop. */
    void receive(HttpServerRequest request, ImportId id) {
        request.pause();
        String offset = String.valueOf(request.getHeader("Upload-Offset"));
        if (!offset.matches("[0-9]{1,18}")) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "Upload-Offset %s is refused: it says where in the file this goes on, first at 0"
                            .formatted(Echo.json(offset)));
        }
        Context loop = vertx.getOrCreateContext();
        Incoming incoming = new Incoming(request, loop);
        run(request, loop, () -> {
            try (ImportReceiver receiver = control.imports().receive(id, Long.parseLong(offset))) {
                for (byte[] bytes = incoming.next(); bytes.length > 0; bytes = incoming.next()) {
                    receiver.accept(bytes);
                }
            }
            String body = Documents.importEntry(control.imports().describe(id)).encode();
            loop.runOnContext(now -> request.response()
                    .putHeader("Content-Type", "application/json")
                    .putHeader("X-Content-Type-Options", "nosniff")
                    .end(body));
        });
    }

    private void run(HttpServerRequest request, Context loop, Runnable transfer) {
        Runnable guarded = () -> {
            try {
                transfer.run();
            } catch (Gone e) {
                LOG.info("{} was cut off by the client", request.path());
            } catch (RuntimeException e) { // the edge of a request
                loop.runOnContext(now -> fail(request, e));
            }
        };
        try {
            threads.execute(guarded);
        } catch (RejectedExecutionException e) {
            throw new RequestException(
                    ErrorCode.REQUEST_LIMIT_EXCEEDED,
                    RestLimits.TRANSFERS + " files are being sent and received already: try again later");
        }
    }

    /** What has begun to be answered can only be cut off. */
    private void fail(HttpServerRequest request, RuntimeException problem) {
        if (request.response().headWritten()) {
            LOG.warn("{} failed on the way", request.path(), problem);
            request.response().reset();
        } else {
            if (!request.isEnded()) { // a client that is still sending would not see the answer
                request.handler(rest -> {}).resume();
            }
            failure.answer(request, problem);
        }
    }

    /** Cuts off what is under way, and waits until that has noticed. */
    @Override
    public void close() {
        threads.shutdown();
        stopping.completeExceptionally(new IllegalStateException("the server is stopping"));
        try {
            threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The client is no longer there. */
    private static final class Gone extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Gone(Throwable cause) {
            super(cause);
        }
    }

    /** Waits for the client, or for the end of the server. */
    private <T> T await(CompletableFuture<T> future) {
        try {
            CompletableFuture.anyOf(future, stopping).join();
            return future.join();
        } catch (CompletionException e) {
            throw new Gone(e);
        }
    }

    /** The bytes of an answer: each write waits until the connection has taken the one before. */
    private final class Outgoing implements SnapshotExport.Sink {
        private final HttpServerResponse response;
        private final Context loop;

        Outgoing(HttpServerResponse response, Context loop) {
            this.response = response;
            this.loop = loop;
            response.setChunked(true).putHeader("Content-Type", TYPE).putHeader("X-Content-Type-Options", "nosniff");
        }

        @Override
        public void write(byte[] bytes) {
            CompletableFuture<Void> taken = new CompletableFuture<>();
            loop.runOnContext(now -> {
                if (response.closed()) {
                    taken.completeExceptionally(new IllegalStateException("closed"));
                    return;
                }
                response.write(Buffer.buffer(bytes)).onComplete(written -> {
                    if (written.succeeded()) {
                        taken.complete(null);
                    } else {
                        taken.completeExceptionally(written.cause());
                    }
                });
            });
            await(taken);
        }

        void end() {
            loop.runOnContext(now -> response.end());
        }
    }

    /** The bytes of a request, as many at a time as come together; the next are asked for when these are done. */
    private final class Incoming {
        private final HttpServerRequest request;
        private final Context loop;

        /** On the loop. */
        private CompletableFuture<byte[]> wanted = new CompletableFuture<>();

        private boolean ended;

        Incoming(HttpServerRequest request, Context loop) {
            this.request = request;
            this.loop = loop;
            request.handler(bytes -> wanted.complete(bytes.getBytes()))
                    .endHandler(end -> {
                        ended = true;
                        wanted.complete(END);
                    })
                    .exceptionHandler(problem -> {
                        ended = true;
                        wanted.completeExceptionally(problem);
                    });
        }

        /** Empty at the end. */
        byte[] next() {
            CompletableFuture<byte[]> next = new CompletableFuture<>();
            loop.runOnContext(now -> {
                if (ended && wanted.isDone()) {
                    wanted.whenComplete((bytes, problem) -> hand(next, END, problem));
                    return;
                }
                wanted = new CompletableFuture<>();
                wanted.whenComplete((bytes, problem) -> hand(next, bytes, problem));
                request.fetch(1);
            });
            return await(next);
        }

        private void hand(CompletableFuture<byte[]> to, byte[] bytes, Throwable problem) {
            if (problem == null) {
                to.complete(bytes);
            } else {
                to.completeExceptionally(problem);
            }
        }
    }
}
