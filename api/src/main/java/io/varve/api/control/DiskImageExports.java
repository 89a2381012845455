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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots that are written to disk images in the import directory. A file is there when it is whole, or not at all.
 * One that the server's end cut short has failed, and says so: {@link Recovery}. Thread-safe.
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

    private void write(DiskImages images, DiskImageExport export, Conversion conversion) {
        try {
            exports.put(written(images, export, conversion));
        } catch (StoreException e) { // the edge of a thread
            LOG.error("how {} ended is not written down; the next start takes it for cut short", export.id(), e);
        }
    }

    private DiskImageExport written(DiskImages images, DiskImageExport export, Conversion conversion) {
        try {
            long sizeBytes =
                    parts.store().snapshot(export.snapshot()).orElseThrow().sizeBytes();
            DiskImages.Disk disk =
                    new DiskImages.Disk(sizeBytes, () -> parts.store().openSnapshot(export.snapshot()));
            images.write(export.file(), export.format(), disk, conversion);
            return export.done();
        } catch (RuntimeException e) { // the edge of a thread
            LOG.warn("{} failed", export.id(), e);
            return export.failed(String.valueOf(e.getMessage()));
        }
    }
}
