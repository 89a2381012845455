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
 * @param disabled whether nothing new can be begun with it
 * @param recycled set while it is in the recycle bin, where it goes on using its snapshots
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
        boolean disabled,
        Optional<ClientToken> clientToken,
        Optional<Recycled> recycled)
        implements StoredEntry<ImageId, ImageEntry> {
    /** How many disks an image may have. */
    public static final int MOST_MAPPINGS = 50;

    public ImageEntry {
        mappings = List.copyOf(mappings);
    }

    @Override
    public String state() {
        return switch (phase) {
            case CREATING, PROVISIONAL -> "pending";
            case READY -> disabled ? "disabled" : "available";
            case RECYCLED -> "recoverable";
            case DELETING -> "deregistered";
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

    /** With another name or other tags, description, deprecation or protection. */
    public ImageEntry with(
            Label newLabel,
            String newDescription,
            Optional<Instant> newDeprecatedAt,
            boolean newDeregistrationProtected) {
        return new ImageEntry(
                id,
                phase,
                newLabel,
                newDescription,
                rootDeviceName,
                mappings,
                createdAt,
                newDeprecatedAt,
                newDeregistrationProtected,
                disabled,
                clientToken,
                recycled);
    }

    /** Disabled, or not any more. */
    public ImageEntry disabled(boolean newDisabled) {
        return new ImageEntry(
                id,
                phase,
                label,
                description,
                rootDeviceName,
                mappings,
                createdAt,
                deprecatedAt,
                deregistrationProtected,
                newDisabled,
                clientToken,
                recycled);
    }

    @Override
    public ImageEntry with(Phase newPhase) {
        return with(newPhase, clientToken, recycled);
    }

    @Override
    public ImageEntry recycled(Optional<Recycled> newRecycled) {
        return newRecycled.isPresent()
                ? with(Phase.RECYCLED, Optional.empty(), newRecycled)
                : with(Phase.READY, clientToken, newRecycled);
    }

    private ImageEntry with(Phase newPhase, Optional<ClientToken> token, Optional<Recycled> newRecycled) {
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
                disabled,
                token,
                newRecycled);
    }
}
