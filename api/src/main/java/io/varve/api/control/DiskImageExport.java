package io.varve.api.control;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.SnapshotId;
import java.time.Instant;
import java.util.Optional;

/**
 * A snapshot that is being written to a disk image.
 *
 * @param file its name in the import directory, where it is when this is completed
 * @param startedAt when it was begun
 * @param completed whether the file is there
 * @param failure why there is no file; empty if nothing went wrong
 */
public record DiskImageExport(
        ExportId id,
        SnapshotId snapshot,
        String file,
        DiskImageFormat format,
        Instant startedAt,
        boolean completed,
        Optional<String> failure)
        implements Entry<ExportId> {
    /** One that was begun. */
    static DiskImageExport begun(
            ExportId id, SnapshotId snapshot, String file, DiskImageFormat format, Instant startedAt) {
        return new DiskImageExport(id, snapshot, file, format, startedAt, false, Optional.empty());
    }

    /** It has none. */
    @Override
    public Label label() {
        return Label.NONE;
    }

    @Override
    public String state() {
        if (failure.isPresent()) {
            return "failed";
        }
        return completed ? "completed" : "converting";
    }

    /** True when nothing more comes of it. */
    public boolean ended() {
        return completed || failure.isPresent();
    }

    @Override
    public Optional<ClientToken> clientToken() {
        return Optional.empty();
    }

    DiskImageExport done() {
        return new DiskImageExport(id, snapshot, file, format, startedAt, true, Optional.empty());
    }

    DiskImageExport failed(String why) {
        return new DiskImageExport(id, snapshot, file, format, startedAt, false, Optional.of(why));
    }
}
