package io.varve.api.control;

import io.varve.engine.SnapshotId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What machines begin as: a snapshot for each of their disks.
 *
 * @param phase CREATING until its snapshots are known to be there, DELETING while its snapshots are deleted with it
 * @param label its name, which no other image has, and its tags
 * @param rootDeviceName the device in {@code mappings} that is booted from
 * @param deprecatedAt from when on nobody should begin anything new with it
 * @param deregistrationProtected whether it cannot be deregistered
 */
public record ImageEntry(
        ImageId id,
        Phase phase,
        Label label,
        String description,
        String rootDeviceName,
        List<BlockDeviceMapping> mappings,
        Instant createdAt,
        Optional<Instant> deprecatedAt,
        boolean deregistrationProtected,
        Optional<ClientToken> clientToken)
        implements Entry<ImageId> {
    /** How many disks an image may have. */
    public static final int MOST_MAPPINGS = 50;

    public ImageEntry {
        mappings = List.copyOf(mappings);
    }

    @Override
    public String state() {
        return switch (phase) {
            case CREATING -> "pending";
            case READY -> "available";
            case RECYCLED, DELETING -> "deregistered";
        };
    }

    /** The version of what is said about it. */
    public String etag() {
        return ETag.of(this);
    }

    boolean uses(SnapshotId snapshot) {
        return phase != Phase.DELETING
                && mappings.stream().anyMatch(mapping -> mapping.snapshot().equals(snapshot));
    }

    List<SnapshotId> snapshots() {
        return mappings.stream().map(BlockDeviceMapping::snapshot).distinct().toList();
    }

    ImageEntry with(Phase newPhase) {
        return new ImageEntry(
                id,
                newPhase,
                label,
                description,
                rootDeviceName,
                mappings,
                createdAt,
                deprecatedAt,
                deregistrationProtected,
                clientToken);
    }
}
