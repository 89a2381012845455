package io.varve.api.control;

import io.varve.api.diskimage.Conversion;
import io.varve.api.diskimage.DiskImageException;
import io.varve.api.diskimage.DiskImageFormat;
import io.varve.api.diskimage.DiskImages;
import io.varve.engine.SnapshotId;
import io.varve.engine.StoreException;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots that are written to disk images in the import directory. A file is there when it is whole, or not at all.
 * One that the server's end cut short is begun again by the next start. Thread-safe.
 */
public final class DiskImageExports {
    private static final Logger LOG = LoggerFactory.getLogger(DiskImageExports.class);

    /** How many are known, beside those under way; the oldest that ended are forgotten first. */
    public static final int MOST_KNOWN = 100;

    private static final Filters<DiskImageExport> FILTERS = new Filters<DiskImageExport>(DiskImageExport::label)
            .one("export-id", DiskImageExport::id)
            .one("state", DiskImageExport::state)
            .one("snapshot-id", DiskImageExport::snapshot)
            .one("format", export -> export.format().text())
            .one("file", DiskImageExport::file)
            .one("start-time", DiskImageExport::startedAt);

    private final ControlParts parts;
    private final Ledger<ExportId, DiskImageExport> exports;
    private final DiskImageJobs jobs;

    DiskImageExports(ControlParts parts, DiskImageJobs jobs) {
        this.parts = parts;
        this.jobs = jobs;
        exports = parts.exports();
    }

    /**
     * Begins to write a file. Fails with SNAPSHOT_NOT_FOUND, FILE_DUPLICATE, UNSUPPORTED_OPERATION without an import
     * directory, REQUEST_LIMIT_EXCEEDED.
     */
    public CompletableFuture<DiskImageExport> create(SnapshotId snapshot, String file, DiskImageFormat format) {
        return parts.sequencer().run("exports", () -> {
            DiskImages images = jobs.images();
            parts.requireSnapshot(snapshot);
            try {
                images.requireAbsent(file);
            } catch (DiskImageException e) {
                throw RequestException.of(e);
            }
            DiskImageExport export = DiskImageExport.begun(
                    ExportId.random(parts.random()),
                    snapshot,
                    file,
                    format,
                    parts.clock().instant().truncatedTo(ChronoUnit.MILLIS));
            forgetOldest();
            jobs.start(export.id().text(), () -> exports.put(export), conversion -> write(images, export, conversion));
            return export;
        });
    }

    /** Makes room for one more. */
    private void forgetOldest() {
        exports.all().stream()
                .filter(DiskImageExport::ended)
                .sorted(Comparator.comparing(DiskImageExport::startedAt))
                .limit(Math.max(0, exports.all().size() + 1 - MOST_KNOWN))
                .toList()
                .forEach(export -> exports.remove(export.id()));
    }

    /** A part of the exports, in the order of their ids. */
    public ListRequest.Page<DiskImageExport> list(ListRequest request) {
        List<DiskImageExport> all = exports.all().stream()
                .sorted(Comparator.comparing(export -> export.id().text()))
                .toList();
        return request.page(
                "exports", all, export -> Digits.order(export.id()), Optional::of, FILTERS.passing(request.filters()));
    }

    /** Fails with RESOURCE_NOT_FOUND. */
    public DiskImageExport describe(ExportId id) {
        return exports.find(id)
                .orElseThrow(() -> new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no export " + id));
    }

    /** How much is written, from 0 to 100. */
    public int percent(DiskImageExport export) {
        return export.completed() ? 100 : jobs.percent(export.id().text());
    }

    /** Ends one that is under way, and leaves no file; one that has ended is forgotten, and its file stays. */
    public CompletableFuture<Void> delete(ExportId id) {
        return parts.sequencer().run(id.toString(), () -> {
            describe(id);
            jobs.cancel(id.text());
            exports.remove(id);
            return null;
        });
    }

    /** Goes on with what the end of an earlier life cut short. Blocks; once, before anybody else comes. */
    void resume() {
        for (DiskImageExport export : unfinished()) {
            attempt(export, images -> {
                if (images.isWritten(export.file())) {
                    exports.put(export.done());
                }
            });
        }
        jobs.deleteUnfinished();
        for (DiskImageExport export : unfinished()) {
            attempt(
                    export,
                    images ->
                            jobs.start(export.id().text(), () -> {}, conversion -> write(images, export, conversion)));
        }
    }

    private List<DiskImageExport> unfinished() {
        return exports.all().stream()
                .filter(export -> !export.ended())
                .sorted(Comparator.comparing(DiskImageExport::startedAt))
                .toList();
    }

    private void attempt(DiskImageExport export, Consumer<DiskImages> task) {
        try {
            task.accept(jobs.images());
        } catch (RequestException | DiskImageException e) {
            LOG.warn("{} is not gone on with", export.id(), e);
            exports.put(export.failed(String.valueOf(e.getMessage())));
        }
    }

    private void write(DiskImages images, DiskImageExport export, Conversion conversion) {
        Optional<DiskImageExport> ended = written(images, export, conversion);
        try {
            ended.ifPresent(exports::put);
            if (ended.filter(DiskImageExport::completed).isPresent()) {
                images.settle(export.file());
            }
        } catch (StoreException | DiskImageException e) { // the edge of a thread
            LOG.error("how {} ended is not written down; the next start sees to it", export.id(), e);
        }
    }

    /** Empty if it was taken back, which removes it, or the server stops: then the next start begins it again. */
    private Optional<DiskImageExport> written(DiskImages images, DiskImageExport export, Conversion conversion) {
        try {
            parts.requireSnapshot(export.snapshot());
            long sizeBytes =
                    parts.store().snapshot(export.snapshot()).orElseThrow().sizeBytes();
            DiskImages.Disk disk =
                    new DiskImages.Disk(sizeBytes, () -> parts.store().openSnapshot(export.snapshot()));
            images.write(export.file(), export.format(), disk, conversion);
            return Optional.of(export.done());
        } catch (RuntimeException e) { // the edge of a thread
            if (DiskImageJobs.wasCancelled(e)) {
                return Optional.empty();
            }
            LOG.warn("{} failed", export.id(), e);
            return Optional.of(export.failed(String.valueOf(e.getMessage())));
        }
    }
}
