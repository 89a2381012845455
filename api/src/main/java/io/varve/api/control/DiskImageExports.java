package io.varve.api.control;

import io.varve.api.diskimage.Conversion;
import io.varve.api.diskimage.DiskImageException;
import io.varve.api.diskimage.DiskImageFormat;
import io.varve.api.diskimage.DiskImages;
import io.varve.engine.SnapshotId;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots that are written to disk images in the import directory. A file is there when it is whole, or not at all. What
 * is known of them ends with the server: the files say what was done. Thread-safe.
 */
public final class DiskImageExports {
    private static final Logger LOG = LoggerFactory.getLogger(DiskImageExports.class);

    private static final String KIND = "export";

    /** The oldest that ended are forgotten first. */
    private static final int MOST_KNOWN = 100;

    private final ControlParts parts;
    private final DiskImageJobs jobs;
    private final Map<ExportId, DiskImageExport> exports = new LinkedHashMap<>();

    DiskImageExports(ControlParts parts, DiskImageJobs jobs) {
        this.parts = parts;
        this.jobs = jobs;
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
            DiskImageExport export = new DiskImageExport(
                    ExportId.random(parts.random()), snapshot, file, format, DiskImageExport.State.CONVERTING, "");
            jobs.start(export.id().text(), () -> keep(export), conversion -> write(images, export, conversion));
            return export;
        });
    }

    /** All that are known, oldest first. */
    public synchronized List<DiskImageExport> list() {
        return List.copyOf(exports.values());
    }

    /** Fails with RESOURCE_NOT_FOUND. */
    public synchronized DiskImageExport describe(ExportId id) {
        return Optional.ofNullable(exports.get(id))
                .orElseThrow(() -> new RequestException(ErrorCode.RESOURCE_NOT_FOUND, "there is no export " + id));
    }

    /** How much is written, from 0 to 100. */
    public int percent(DiskImageExport export) {
        return export.state() == DiskImageExport.State.COMPLETED
                ? 100
                : jobs.percent(export.id().text());
    }

    /** Ends one that is under way, and leaves no file; one that has ended is forgotten, and its file stays. */
    public CompletableFuture<Void> delete(ExportId id) {
        return parts.sequencer().run(id.toString(), () -> {
            describe(id);
            jobs.cancel(id.text());
            forget(id);
            return null;
        });
    }

    private void write(DiskImages images, DiskImageExport export, Conversion conversion) {
        try {
            long sizeBytes =
                    parts.store().snapshot(export.snapshot()).orElseThrow().sizeBytes();
            DiskImages.Disk disk =
                    new DiskImages.Disk(sizeBytes, () -> parts.store().openSnapshot(export.snapshot()));
            images.write(export.file(), export.format(), disk, conversion);
            keep(export.with(DiskImageExport.State.COMPLETED, ""));
        } catch (RuntimeException e) { // the edge of a thread
            LOG.warn("{} failed", export.id(), e);
            keep(export.with(DiskImageExport.State.FAILED, String.valueOf(e.getMessage())));
        }
    }

    private void keep(DiskImageExport export) {
        add(export);
        parts.events().publish(KIND, export.id(), export.state().text());
    }

    private synchronized void add(DiskImageExport export) {
        exports.put(export.id(), export);
        Iterator<DiskImageExport> oldest = exports.values().iterator();
        while (exports.size() > MOST_KNOWN && oldest.hasNext()) {
            if (oldest.next().state() != DiskImageExport.State.CONVERTING) {
                oldest.remove();
            }
        }
    }

    private void forget(ExportId id) {
        remove(id);
        parts.events().publish(KIND, id, "deleted");
    }

    private synchronized void remove(ExportId id) {
        exports.remove(id);
    }
}
