package io.varve.api.control;

import io.varve.api.diskimage.Conversion;
import io.varve.api.diskimage.DiskImages;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots that come from portable files and disk images. The bytes of a file may come in several pieces: each goes on
 * where the last one ended, also after a crash; a disk image is read in one go, and from its beginning again by the next
 * start if the server's end cut that short. Thread-safe.
 */
public final class Imports {
    private static final Logger LOG = LoggerFactory.getLogger(Imports.class);

    /** How many may be unfinished at once. */
    public static final int MOST_UNFINISHED = 16;

    /** An unfinished one that nothing came for so long is taken back. */
    static final Duration PATIENCE = Duration.ofDays(7);

    private static final Filters<ImportEntry> FILTERS = new Filters<ImportEntry>(ImportEntry::label)
            .one("import-id", ImportEntry::id)
            .one("state", ImportEntry::state)
            .one("snapshot-id", ImportEntry::snapshot);

    private final ControlParts parts;
    private final Ledger<ImportId, ImportEntry> entries;
    private final DiskImageJobs jobs;
    private final Set<ImportId> receiving = ConcurrentHashMap.newKeySet();

    Imports(ControlParts parts, DiskImageJobs jobs) {
        this.jobs = jobs;
        this.parts = parts;
        entries = parts.imports();
    }

    /**
     * What the snapshot is to be called.
     *
     * @param image the disk image that it is made of; empty if a portable file will be sent
     */
    public record Request(
            Label label, String description, Optional<ImportEntry.Image> image, Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            return clientToken.map(token -> new ClientToken(
                    token,
                    label + " " + description + image.map(file -> " " + file).orElse("")));
        }
    }

    /**
     * Begins an import, or finds the one that the same token began. A disk image is looked at first. Fails with
     * RESOURCE_LIMIT_EXCEEDED, UNSUPPORTED_OPERATION if there is no import directory or program, INVALID_DISK_IMAGE.
     */
    public CompletableFuture<ImportEntry> create(Request request) {
        return parts.sequencer().run("imports", () -> {
            Optional<ImportEntry> earlier = entries.withToken(request.token());
            if (earlier.isPresent()) {
                return earlier.get();
            }
            if (entries.all().stream().filter(entry -> !entry.ended()).count() >= MOST_UNFINISHED) {
                throw new RequestException(
                        ErrorCode.RESOURCE_LIMIT_EXCEEDED,
                        MOST_UNFINISHED + " imports are unfinished: finish or delete one first");
            }
            long sizeBytes = request.image().map(jobs::sizeBytes).orElse(0L);
            ImportEntry entry = new ImportEntry(
                    ImportId.random(parts.random()),
                    request.label(),
                    request.description(),
                    VolumeId.random(parts.random()),
                    SnapshotId.random(parts.random()),
                    Optional.empty(),
                    new ImportEntry.Progress(0, 0, "", sizeBytes),
                    now(),
                    request.image(),
                    false,
                    request.token());
            if (entry.image().isEmpty()) {
                entries.put(entry);
                return entry;
            }
            DiskImages images = jobs.images();
            jobs.start(entry.id().text(), () -> entries.put(entry), conversion -> convert(images, entry, conversion));
            return entry;
        });
    }

    /** A part of the imports, in the order of their ids. */
    public ListRequest.Page<ImportEntry> list(ListRequest request) {
        List<ImportEntry> all = entries.all().stream()
                .sorted(Comparator.comparing(entry -> entry.id().text()))
                .toList();
        return request.page(
                "imports", all, entry -> Digits.order(entry.id()), Optional::of, FILTERS.passing(request.filters()));
    }

    /** Fails with RESOURCE_NOT_FOUND. */
    public ImportEntry describe(ImportId id) {
        return entries.find(id)
                .orElseThrow(() -> new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no import " + id));
    }

    /**
     * Takes bytes in from where the last ones ended. To be closed.
     *
     * @param offset where the caller thinks that this is
     * @throws RequestException RESOURCE_NOT_FOUND, INCORRECT_STATE if it is completed or somebody else is sending,
     *     INVALID_PARAMETER_VALUE if it is elsewhere
     */
    public ImportReceiver receive(ImportId id, long offset) {
        ImportEntry entry = describe(id);
        entry.image().ifPresent(image -> {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE,
                    "import %s reads %s: nothing is sent for it".formatted(id, image.file()));
        });
        if (entry.completed() || !receiving.add(id)) {
            throw new RequestException(
                    ErrorCode.INCORRECT_STATE,
                    "import %s is %s".formatted(id, entry.completed() ? "completed" : "being sent by another request"));
        }
        try {
            ImportEntry current = describe(id);
            if (offset != current.progress().receivedBytes()) {
                throw new RequestException(
                        ErrorCode.INVALID_PARAMETER_VALUE,
                        "Upload-Offset %d is refused: import %s goes on at %d"
                                .formatted(offset, id, current.progress().receivedBytes()));
            }
            return new ImportReceiver(parts, current, () -> receiving.remove(id));
        } catch (RuntimeException e) {
            receiving.remove(id);
            throw e;
        }
    }

    /** Takes an unfinished import back; a completed one is forgotten, and its snapshot stays. */
    public CompletableFuture<Void> delete(ImportId id) {
        return parts.sequencer().run(id.toString(), () -> {
            jobs.cancel(id.text());
            ImportEntry entry = describe(id);
            if (!receiving.add(id)) {
                throw new RequestException(ErrorCode.INCORRECT_STATE, "import " + id + " is being sent");
            }
            try {
                if (parts.store().volume(entry.volume()).isPresent()) {
                    EngineCalls.await(parts.store().deleteVolume(entry.volume()));
                }
                entries.remove(id);
            } finally {
                receiving.remove(id);
            }
            return null;
        });
    }

    /** How much of a disk image is read, from 0 to 100. */
    public int percent(ImportEntry entry) {
        return entry.completed() ? 100 : jobs.percent(entry.id().text());
    }

    /** Reads again the disk images that the end of an earlier life cut short. Blocks; once, before anybody else comes. */
    void resume() {
        entries.all().stream()
                .filter(entry -> entry.image().isPresent() && !entry.ended())
                .forEach(entry -> {
                    try {
                        DiskImages images = jobs.images();
                        jobs.start(entry.id().text(), () -> {}, conversion -> convert(images, entry, conversion));
                    } catch (RequestException e) {
                        LOG.warn("{} is not gone on with", entry.id(), e);
                        entries.put(entry.failed(String.valueOf(e.getMessage())));
                    }
                });
    }

    private void convert(DiskImages images, ImportEntry entry, Conversion conversion) {
        try {
            long sizeBytes = entry.progress().sizeBytes();
            EngineCalls.await(parts.store().createVolume(entry.volume(), sizeBytes));
            ImportEntry.Image image = entry.image().orElseThrow();
            images.read(
                    image.file(),
                    image.format(),
                    new DiskImages.Disk(sizeBytes, () -> parts.store().open(entry.volume())),
                    conversion);
            SnapshotEntry snapshot =
                    SnapshotEntry.begun(entry.snapshot(), entry.label(), entry.description(), Optional.empty());
            parts.snapshots().put(snapshot);
            EngineCalls.await(parts.store().createSnapshot(snapshot.id(), entry.volume()));
            EngineCalls.await(parts.store().deleteVolume(entry.volume()));
            parts.snapshots().settle(List.of(snapshot.with(Phase.READY)));
            entries.put(entry.done());
        } catch (RuntimeException e) { // the edge of a thread
            undo(entry);
            if (!DiskImageJobs.wasCancelled(e)) {
                LOG.warn("import {} failed", entry.id(), e);
                entries.put(entry.failed(String.valueOf(e.getMessage())));
            }
        }
    }

    private void undo(ImportEntry entry) {
        if (parts.store().snapshot(entry.snapshot()).isEmpty()) {
            parts.snapshots()
                    .find(entry.snapshot())
                    .ifPresent(begun -> parts.snapshots().remove(begun.id()));
        }
        if (parts.store().volume(entry.volume()).isPresent()) {
            EngineCalls.await(parts.store().deleteVolume(entry.volume()));
        }
    }

    /** Takes back what nothing came for in a long time. Blocks. */
    void expire() {
        for (ImportEntry entry : entries.all()) {
            boolean over = now().isAfter(entry.touchedAt().plus(PATIENCE));
            if (over && !receiving.contains(entry.id())) {
                delete(entry.id()).join();
            }
        }
    }

    private Instant now() {
        return parts.clock().instant();
    }
}
