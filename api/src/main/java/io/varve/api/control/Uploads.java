package io.varve.api.control;

import io.varve.engine.BlockStore;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import io.varve.engine.VolumeId;
import io.vertx.core.buffer.Buffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots that clients send block by block. Until one is completed its blocks are in a hidden volume, and it is shown
 * as pending; one that nothing comes for in its time fails and gives its space back. Thread-safe.
 *
 * <p>A block that was answered outlives the process; a power failure before the completion may take it, and the count
 * that the completion names then tells.
 */
public final class Uploads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Uploads.class);

    /** How many may be pending at once, as in EBS. */
    public static final int MOST_PENDING = 100;

    /** The largest volume, as in EBS. */
    public static final int MOST_GIB = 65_536;

    /** What failed is shown for so long, unless it is deleted. */
    static final Duration FAILED_SHOWN = Duration.ofDays(7);

    /** A completion that takes longer is answered and goes on. */
    private static final long PROMPT_SECONDS = 10;

    private static final int GIB_SHIFT = 30;

    private final ControlParts parts;
    private final BlockStore store;
    private final Ledger<SnapshotId, SnapshotEntry> entries;
    private final DirectBlocks blocks;
    private final Map<SnapshotId, UploadSession> sessions = new ConcurrentHashMap<>();
    private final Instant began;

    Uploads(ControlParts parts, DirectBlocks blocks) {
        this.parts = parts;
        this.blocks = blocks;
        store = parts.store();
        entries = parts.snapshots();
        began = parts.clock().instant();
    }

    /**
     * Begins a snapshot, or finds the one that the same token began. Fails with INVALID_PARAMETER_VALUE (size),
     * SNAPSHOT_NOT_FOUND or INCORRECT_STATE (parent), IDEMPOTENT_PARAMETER_MISMATCH, RESOURCE_LIMIT_EXCEEDED or
     * INSUFFICIENT_VOLUME_CAPACITY.
     */
    public CompletableFuture<SnapshotId> start(UploadRequest request) {
        return parts.sequencer().run("uploads", () -> {
            Optional<SnapshotEntry> earlier = entries.withToken(request.token());
            return earlier.isPresent() ? earlier.get().id() : startNow(request);
        });
    }

    private SnapshotId startNow(UploadRequest request) {
        requireSize(request);
        long pending = entries.all().stream().filter(Uploads::isPending).count();
        if (pending >= MOST_PENDING) {
            throw new RequestException(
                    ErrorCode.RESOURCE_LIMIT_EXCEEDED,
                    MOST_PENDING + " snapshots are pending: complete or delete one first");
        }
        SnapshotId id = SnapshotId.random(parts.random());
        SnapshotEntry.Upload upload = new SnapshotEntry.Upload(
                VolumeId.random(parts.random()),
                request.parent(),
                request.sizeGiB() << GIB_SHIFT,
                request.timeoutMinutes(),
                parts.clock().instant(),
                0,
                Optional.empty());
        SnapshotEntry entry = SnapshotEntry.begun(id, request.label(), request.description(), request.token())
                .with(upload);
        entries.put(entry);
        try {
            makeVolume(upload);
        } catch (StoreException e) {
            entries.remove(id);
            throw RequestException.of(e);
        }
        return id;
    }

    private void requireSize(UploadRequest request) {
        long sizeGiB = request.sizeGiB();
        if (sizeGiB < 1 || sizeGiB > MOST_GIB) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "a volume of %d GiB is refused: it has from 1 to %d".formatted(sizeGiB, MOST_GIB));
        }
        request.parent().ifPresent(parent -> {
            parts.requireSnapshot(parent);
            long least = store.snapshot(parent)
                    .orElseThrow(() -> Snapshots.notFound(parent))
                    .sizeBytes();
            if (sizeGiB << GIB_SHIFT < least) {
                throw new RequestException(
                        ErrorCode.INVALID_PARAMETER_VALUE,
                        "a volume of %d GiB is refused: parent snapshot %s has %d"
                                .formatted(sizeGiB, parent, least >> GIB_SHIFT));
            }
        });
    }

    private void makeVolume(SnapshotEntry.Upload upload) {
        if (upload.parent().isPresent()) {
            EngineCalls.await(store.cloneVolume(
                    upload.volume(), upload.sizeBytes(), upload.parent().get()));
        } else {
            EngineCalls.await(store.createVolume(upload.volume(), upload.sizeBytes()));
        }
    }

    /**
     * Writes a block. Fails with SNAPSHOT_NOT_FOUND, INCORRECT_STATE if it is not pending, INVALID_BLOCK beyond the
     * end, INVALID_PARAMETER_VALUE if the bytes are not those of the digest, CONFLICTING_BLOCK_UPDATE while another
     * request writes the block, INSUFFICIENT_VOLUME_CAPACITY or REQUEST_LIMIT_EXCEEDED.
     *
     * @param block {@link DirectBlocks#BYTES} of them
     * @param sha256 what the client says of them
     * @param progressPercent how far the client says that the whole is
     */
    public CompletableFuture<Void> put(
            SnapshotId id, int index, Buffer block, byte[] sha256, Optional<Integer> progressPercent) {
        return blocks.run(() -> {
            SnapshotEntry.Upload upload = receiving(id);
            SnapshotBlocks.requireIndex(index, upload.sizeBytes());
            if (block.length() != DirectBlocks.BYTES) {
                throw new RequestException(
                        ErrorCode.INVALID_PARAMETER_VALUE,
                        "block %d is refused: it has %d bytes, not %d"
                                .formatted(index, block.length(), DirectBlocks.BYTES));
            }
            byte[] bytes = blocks.array();
            block.getBytes(bytes);
            if (!MessageDigest.isEqual(blocks.digest(bytes), sha256)) {
                throw new RequestException(
                        ErrorCode.INVALID_PARAMETER_VALUE,
                        "block %d is refused: its SHA-256 is another one than was said".formatted(index));
            }
            try {
                session(id, upload)
                        .write(index, bytes, () -> receiving(id), parts.clock().instant());
            } catch (StoreException e) {
                throw RequestException.of(e);
            }
            if (progressPercent.orElse(0) > upload.progressPercent()) {
                progress(id, progressPercent.orElse(0));
            }
            return null;
        });
    }

    private UploadSession session(SnapshotId id, SnapshotEntry.Upload upload) {
        return sessions.computeIfAbsent(
                id,
                absent -> new UploadSession(
                        store, blocks, upload.volume(), parts.clock().instant()));
    }

    private void progress(SnapshotId id, int percent) {
        parts.sequencer()
                .run(id.toString(), () -> {
                    entries.find(id)
                            .filter(Uploads::isPending)
                            .ifPresent(entry -> entry.upload()
                                    .filter(upload -> upload.progressPercent() < percent)
                                    .ifPresent(
                                            upload -> entries.settle(List.of(entry.with(upload.progressed(percent))))));
                    return null;
                })
                .join();
    }

    /**
     * Makes the snapshot of what was sent; it is durable then. True if that is done, false if it takes longer and goes
     * on. Fails with SNAPSHOT_NOT_FOUND, INCORRECT_STATE if it failed or is no upload, INVALID_PARAMETER_VALUE if the
     * blocks are not those that the client says; the snapshot is pending as before then. One that is completed is
     * completed again.
     *
     * @param changedBlocks how many blocks the client has sent
     * @param sha256 the digest of their digests in ascending order, as the client has it
     */
    public CompletableFuture<Boolean> complete(SnapshotId id, long changedBlocks, Optional<byte[]> sha256) {
        if (entries.find(id)
                .filter(entry -> entry.phase() == Phase.READY && entry.upload().isPresent())
                .isPresent()) {
            return CompletableFuture.completedFuture(true);
        }
        UploadSession session;
        try {
            session = session(id, pending(id));
        } catch (RequestException e) {
            return CompletableFuture.failedFuture(e);
        }
        return session.completion(() -> {
            CompletableFuture<Boolean> answer =
                    new CompletableFuture<Boolean>().completeOnTimeout(false, PROMPT_SECONDS, TimeUnit.SECONDS);
            CompletableFuture<Boolean> work = blocks.complete(() -> {
                session.afterwards(() -> {
                    if (store.snapshot(id).isEmpty()) { // else an earlier completion came so far
                        requireSame(session, changedBlocks, sha256);
                    }
                    parts.sequencer()
                            .run(id.toString(), () -> finish(id, session))
                            .join();
                });
                return true;
            });
            work.whenComplete((done, failure) -> end(id, answer, failure));
            return new UploadSession.Completion(work, answer);
        });
    }

    private static void requireSame(UploadSession session, long changedBlocks, Optional<byte[]> sha256) {
        List<Integer> written = session.written();
        if (written.size() != changedBlocks) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "ChangedBlocksCount %d is refused: %d blocks are here".formatted(changedBlocks, written.size()));
        }
        if (sha256.isPresent() && !MessageDigest.isEqual(session.linearDigest(written), sha256.get())) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "the checksum is refused: the blocks that are here have another one");
        }
    }

    /** Whoever was told that it goes on learns from the state that it failed. */
    private void end(SnapshotId id, CompletableFuture<Boolean> answer, @Nullable Throwable failure) {
        if (failure == null) {
            answer.complete(true);
            return;
        }
        Throwable why =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (!answer.completeExceptionally(why)) {
            LOG.error("snapshot {} could not be completed", id, why);
            if (why instanceof RequestException) {
                CompletableFuture<Void> unused = fail(id, String.valueOf(why.getMessage()));
            }
        }
    }

    private @Nullable Void finish(SnapshotId id, UploadSession session) {
        SnapshotEntry.Upload upload = pending(id);
        if (store.snapshot(id).isEmpty()) {
            EngineCalls.await(store.createSnapshot(id, upload.volume()));
        }
        session.close();
        EngineCalls.await(store.deleteVolume(upload.volume()));
        entries.find(id).ifPresent(entry -> entries.settle(List.of(entry.with(Phase.READY))));
        sessions.remove(id);
        return null;
    }

    /** Takes one back that is not completed. In the turn of its id. Fails with INCORRECT_STATE while blocks come. */
    void discard(SnapshotId id) {
        entries.find(id)
                .ifPresent(entry -> entry.unfinished()
                        .ifPresent(upload -> session(id, upload).alone(() -> {
                            entries.put(entry.with(Phase.DELETING));
                            deleteVolume(id, upload);
                            if (store.snapshot(id).isPresent()) { // of a completion that did not come to its end
                                EngineCalls.await(store.deleteSnapshot(id));
                            }
                            entries.remove(id);
                        })));
    }

    private void deleteVolume(SnapshotId id, SnapshotEntry.Upload upload) {
        UploadSession session = sessions.remove(id);
        if (session != null) {
            session.close();
        }
        if (store.volume(upload.volume()).isPresent()) {
            EngineCalls.await(store.deleteVolume(upload.volume()));
        }
    }

    private CompletableFuture<Void> fail(SnapshotId id, String why) {
        return parts.sequencer().run(id.toString(), () -> {
            entries.find(id)
                    .filter(entry -> isPending(entry) && store.snapshot(id).isEmpty())
                    .ifPresent(entry -> entry.upload()
                            .ifPresent(upload -> session(id, upload).alone(() -> {
                                entries.put(entry.with(upload.failed(why)));
                                deleteVolume(id, upload);
                            })));
            return null;
        });
    }

    /** Has those fail that nothing came for in their time, and forgets what failed long ago. Blocks. */
    void expire() {
        Instant now = parts.clock().instant();
        for (SnapshotEntry entry : entries.all()) {
            Optional<SnapshotEntry.Upload> upload = entry.unfinished();
            if (upload.isEmpty()) {
                continue;
            }
            if (isPending(entry)) {
                int minutes = upload.get().timeoutMinutes();
                if (!now.isBefore(lastSeen(entry.id(), upload.get()).plus(Duration.ofMinutes(minutes)))) {
                    expire(entry.id(), minutes);
                }
            } else if (now.isAfter(upload.get().startedAt().plus(FAILED_SHOWN))) {
                parts.sequencer()
                        .run(entry.id().toString(), () -> {
                            discard(entry.id());
                            return null;
                        })
                        .join();
            }
        }
    }

    private void expire(SnapshotId id, int minutes) {
        try {
            fail(id, "no block came for " + minutes + " minutes").join();
        } catch (CompletionException e) {
            if (!(e.getCause() instanceof RequestException)) {
                throw e;
            }
            LOG.debug("snapshot {} is being written to in its last minute", id);
        }
    }

    /** The time begins anew with the process: what came in an earlier one is not known. */
    private Instant lastSeen(SnapshotId id, SnapshotEntry.Upload upload) {
        UploadSession session = sessions.get(id);
        if (session != null) {
            return session.lastBlock();
        }
        return upload.startedAt().isAfter(began) ? upload.startedAt() : began;
    }

    private SnapshotEntry.Upload pending(SnapshotId id) {
        SnapshotEntry entry =
                entries.find(id).filter(found -> found.phase().isShown()).orElseThrow(() -> Snapshots.notFound(id));
        if (!isPending(entry)) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE, "snapshot %s is %s: it takes no blocks".formatted(id, entry.state()));
        }
        return entry.upload().orElseThrow();
    }

    private SnapshotEntry.Upload receiving(SnapshotId id) {
        SnapshotEntry.Upload upload = pending(id);
        if (store.snapshot(id).isPresent()) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE, "snapshot " + id + " is being completed: it takes no blocks");
        }
        return upload;
    }

    private static boolean isPending(SnapshotEntry entry) {
        return entry.unfinished().filter(upload -> upload.failure().isEmpty()).isPresent();
    }

    /** Lets go of the volumes. After {@link DirectBlocks#close}. */
    @Override
    public void close() {
        sessions.values().forEach(UploadSession::close);
        sessions.clear();
    }
}
