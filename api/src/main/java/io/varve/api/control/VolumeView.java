package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.VolumeRecord;
import io.varve.engine.VolumeStatus;
import io.varve.engine.VolumeUsage;
import java.util.List;
import java.util.Optional;

/**
 * A volume as it is told to people: the engine's truth and what was said about it.
 *
 * @param inUse by an NBD client or an instance
 * @param attachments where it is attached
 */
public record VolumeView(
        VolumeRecord record, VolumeEntry entry, boolean inUse, List<VolumeAttachment> attachments, VolumeUsage usage) {
    public VolumeView {
        attachments = List.copyOf(attachments);
    }

    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(entry, record.sizeBytes(), record.compression(), attachments);
    }

    /** The snapshot that it was restored from; empty too for a copy, whose snapshot nobody ever saw. */
    public Optional<SnapshotId> origin() {
        return entry.copy().isPresent() ? Optional.empty() : record.origin();
    }

    /** True unless blocks of it are damaged or it refuses writes. */
    public boolean isWell() {
        return record.status().health() == VolumeStatus.Health.OK;
    }

    /** The state in EC2's words. */
    public String state() {
        return inUse && entry.phase() == Phase.READY ? "in-use" : entry.state();
    }
}
