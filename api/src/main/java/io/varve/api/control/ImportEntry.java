package io.varve.api.control;

import io.varve.api.diskimage.DiskImageFormat;
import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeId;
import java.time.Instant;
import java.util.Optional;

/**
 * A snapshot that is being made of a portable file that is sent, or of a disk image in the import directory.
 *
 * @param label what the snapshot will be called
 * @param description the snapshot's
 * @param volume the hidden volume that takes the data; deleted before the import is completed
 * @param snapshot the snapshot that will be there at the end
 * @param source the snapshot that the file is of; empty until its header was read
 * @param progress how much of the file is on stable storage
 * @param touchedAt when something came last
 * @param image the disk image; empty for a portable file
 * @param completed whether the snapshot is there
 */
public record ImportEntry(
        ImportId id,
        Label label,
        String description,
        VolumeId volume,
        SnapshotId snapshot,
        Optional<SnapshotId> source,
        Progress progress,
        Instant touchedAt,
        Optional<Image> image,
        boolean completed,
        Optional<ClientToken> clientToken)
        implements Entry<ImportId> {
    /**
     * A disk image in the import directory.
     *
     * @param failure why it did not become a snapshot; empty if nothing went wrong
     */
    public record Image(String file, DiskImageFormat format, Optional<String> failure) {}

    /**
     * Where the next bytes of the file go on: behind a record.
     *
     * @param receivedBytes how much of the file was read
     * @param nextOffset where the last record ended in the volume
     * @param digest the last record's, in hexadecimal
     * @param sizeBytes the volume's size; 0 until the header was read
     */
    public record Progress(long receivedBytes, long nextOffset, String digest, long sizeBytes) {
        static final Progress NONE = new Progress(0, 0, "", 0);
    }

    @Override
    public String state() {
        if (completed) {
            return "completed";
        }
        return image.map(file -> file.failure().isPresent() ? "failed" : "converting")
                .orElse("receiving");
    }

    /** True when nothing more comes of it. */
    boolean ended() {
        return completed || image.flatMap(Image::failure).isPresent();
    }

    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(this);
    }

    ImportEntry with(Optional<SnapshotId> newSource, Progress newProgress, Instant now) {
        return new ImportEntry(
                id, label, description, volume, snapshot, newSource, newProgress, now, image, completed, clientToken);
    }

    ImportEntry done() {
        return new ImportEntry(
                id, label, description, volume, snapshot, source, progress, touchedAt, image, true, clientToken);
    }

    ImportEntry failed(String why) {
        Optional<Image> failed = image.map(file -> new Image(file.file(), file.format(), Optional.of(why)));
        return new ImportEntry(
                id, label, description, volume, snapshot, source, progress, touchedAt, failed, completed, clientToken);
    }
}
