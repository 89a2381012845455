package io.varve.api.control;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.SnapshotId;
import java.util.Locale;

/**
 * A snapshot that is being written to a disk image.
 *
 * @param file its name in the import directory, where it is when this is completed
 * @param failure why there is no file; empty if nothing went wrong
 */
public record DiskImageExport(
        ExportId id, SnapshotId snapshot, String file, DiskImageFormat format, State state, String failure) {
    /** How it stands. */
    public enum State {
        CONVERTING,
        COMPLETED,
        FAILED;

        /** As the API says it. */
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    DiskImageExport with(State newState, String newFailure) {
        return new DiskImageExport(id, snapshot, file, format, newState, newFailure);
    }
}
