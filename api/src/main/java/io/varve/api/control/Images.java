package io.varve.api.control;

import io.varve.engine.SnapshotId;
import io.varve.engine.SnapshotRecord;
import io.varve.engine.StoreException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Images: what machines begin as. A registration is first written down, from when on nobody can delete its snapshots,
 * then waits for deletions of these that came before it, and counts if all are still there. {@link Recovery} finishes
 * or undoes one that a crash cut short; {@link #finish} ends deregistrations. Thread-safe.
 */
public final class Images {
    /** How many there may be. */
    public static final int MOST = 10_000;

    /**
     * Registrations and deregistrations go one after the other: names are unique, and no two wait for the same
     * snapshots.
     */
    private static final String TURN = "images";

    private static final int GIB_SHIFT = 30;
    private static final String MAPPING = "block-device-mapping.";

    private static final Filters<ImageEntry> FILTERS = new Filters<ImageEntry>(ImageEntry::label)
            .one("image-id", ImageEntry::id)
            .one("state", ImageEntry::state)
            .one("description", ImageEntry::description)
            .one("creation-date", ImageEntry::createdAt)
            .one("root-device-name", ImageEntry::rootDeviceName)
            .many(MAPPING + "device-name", image -> image.mappings().stream().map(BlockDeviceMapping::deviceName))
            .many(MAPPING + "snapshot-id", image -> image.mappings().stream().map(BlockDeviceMapping::snapshot))
            .many(MAPPING + "volume-size", image -> image.mappings().stream().map(BlockDeviceMapping::sizeGiB))
            .many(
                    MAPPING + "volume-type",
                    image -> image.mappings().stream()
                            .map(mapping -> mapping.limits().volumeType()))
            .many(
                    MAPPING + "delete-on-termination",
                    image -> image.mappings().stream().map(BlockDeviceMapping::deleteOnTermination));

    private final ControlParts parts;
    private final Snapshots snapshots;
    private final SnapshotCreation creation;
    private final RetentionRules rules;

    Images(ControlParts parts, Snapshots snapshots, SnapshotCreation creation, RetentionRules rules) {
        this.parts = parts;
        this.snapshots = snapshots;
        this.creation = creation;
        this.rules = rules;
    }

    /** One disk of a new image; without a size it has the snapshot's. */
    public record Disk(
            String deviceName,
            SnapshotId snapshot,
            Optional<Integer> sizeGiB,
            VolumeLimits limits,
            boolean deleteOnTermination) {}

    /**
     * What somebody wants a new image to be; see {@link ImageEntry}.
     *
     * @param rootDeviceName may be left out if there is one disk
     */
    public record Request(
            Label label,
            String description,
            Optional<String> rootDeviceName,
            List<Disk> disks,
            boolean deregistrationProtected,
            Optional<String> clientToken) {
        private Optional<ClientToken> token() {
            String canonical = label.name()
                    + description
                    + new TreeMap<>(label.tags())
                    + rootDeviceName
                    + disks
                    + deregistrationProtected;
            return clientToken.map(text -> new ClientToken(text, canonical));
        }
    }

    /**
     * What came of the snapshots of an image that was deregistered with them.
     *
     * @param kept why it was not deleted; empty if it was
     */
    public record SnapshotResult(SnapshotId snapshot, Optional<RequestException> kept) {}

    /**
     * Makes an image of snapshots, or finds the one that the same token made. Fails with IMAGE_NAME_DUPLICATE,
     * INVALID_BLOCK_DEVICE_MAPPING, SNAPSHOT_NOT_FOUND or RESOURCE_LIMIT_EXCEEDED.
     */
    public CompletableFuture<ImageEntry> register(Request request) {
        return register(request, request.token(), Set.of());
    }

    /**
     * The same with snapshots that were made for this image.
     *
     * @param own provisional ones; they are there for everybody with the image, or go
     */
    CompletableFuture<ImageEntry> register(Request request, Optional<ClientToken> token, Set<SnapshotId> own) {
        return parts.sequencer().run(TURN, () -> {
            try {
                Optional<ImageEntry> earlier = parts.images().withToken(token);
                return earlier.isPresent() ? earlier.get() : registerNow(request, token, own);
            } finally {
                creation.takeBack(own);
            }
        });
    }

    private ImageEntry registerNow(Request request, Optional<ClientToken> token, Set<SnapshotId> own) {
        if (parts.images().all().size() >= MOST) {
            throw new RequestException(ErrorCode.RESOURCE_LIMIT_EXCEEDED, "there are " + MOST + " images already");
        }
        String root = rootDeviceName(request);
        requireFreeName(request.label().name());
        ImageEntry image = new ImageEntry(
                ImageId.random(parts.random()),
                Phase.CREATING,
                request.label(),
                request.description(),
                root,
                request.disks().stream().map(disk -> mapping(disk, own)).toList(),
                now().truncatedTo(ChronoUnit.MILLIS),
                Optional.empty(),
                request.deregistrationProtected(),
                false,
                token,
                Optional.empty());
        parts.images().put(image);
        try {
            image.snapshots().stream()
                    .filter(snapshot -> !own.contains(snapshot))
                    .forEach(this::awaitDeletions);
        } catch (RequestException e) {
            parts.images().remove(image.id());
            throw e;
        }
        creation.settle(own);
        ImageEntry ready = image.with(Phase.READY);
        parts.images().settle(List.of(ready));
        return ready;
    }

    /** Deletions that began before the image was written down end first; those that come later see it. */
    private void awaitDeletions(SnapshotId id) {
        try {
            parts.sequencer()
                    .run(id.toString(), () -> {
                        parts.requireSnapshot(id);
                        return "there";
                    })
                    .join();
        } catch (CompletionException e) {
            throw refusal(e);
        }
    }

    private static RequestException refusal(CompletionException e) {
        if (e.getCause() instanceof RequestException refusal) {
            return refusal;
        }
        if (e.getCause() instanceof StoreException refusal) {
            return RequestException.of(refusal);
        }
        throw e;
    }

    private static String rootDeviceName(Request request) {
        Set<String> devices = new HashSet<>();
        for (Disk disk : request.disks()) {
            if (!devices.add(disk.deviceName())) {
                throw invalid("deviceName %s is given twice".formatted(disk.deviceName()));
            }
        }
        if (request.rootDeviceName().isEmpty() && devices.size() > 1) {
            throw new RequestException(
                    ErrorCode.MISSING_PARAMETER, "rootDeviceName is needed where there are several devices");
        }
        String root =
                request.rootDeviceName().orElseGet(() -> request.disks().get(0).deviceName());
        if (!devices.contains(root)) {
            throw invalid("rootDeviceName %s is none of the devices".formatted(root));
        }
        return root;
    }

    private BlockDeviceMapping mapping(Disk disk, Set<SnapshotId> own) {
        if (!own.contains(disk.snapshot())) {
            parts.requireSnapshot(disk.snapshot());
        }
        SnapshotRecord record =
                parts.store().snapshot(disk.snapshot()).orElseThrow(() -> Snapshots.notFound(disk.snapshot()));
        int least = (int) (record.sizeBytes() >> GIB_SHIFT);
        int sizeGiB = disk.sizeGiB().orElse(least);
        if (sizeGiB < least) {
            throw invalid("sizeGiB %d of %s is smaller than snapshot %s, which has %d GiB"
                    .formatted(sizeGiB, disk.deviceName(), disk.snapshot(), least));
        }
        parts.provisioned(disk.limits(), (long) sizeGiB << GIB_SHIFT); // refuses now what a launch would refuse
        return new BlockDeviceMapping(
                disk.deviceName(), disk.snapshot(), sizeGiB, disk.limits(), disk.deleteOnTermination());
    }

    private static RequestException invalid(String why) {
        return new RequestException(ErrorCode.INVALID_BLOCK_DEVICE_MAPPING, why);
    }

    private void requireFreeName(Optional<String> name) {
        parts.images().all().stream()
                .filter(image ->
                        image.recycled().isEmpty() && image.label().name().equals(name))
                .findFirst()
                .ifPresent(other -> {
                    throw new RequestException(
                            ErrorCode.IMAGE_NAME_DUPLICATE,
                            "name \"%s\" is image %s's".formatted(name.orElse(""), other.id()));
                });
    }

    /** A part of the images, in the order of their ids. */
    public ListRequest.Page<ImageEntry> list(ListRequest request) {
        return list("images", image -> image.recycled().isEmpty(), request);
    }

    /** A part of the images that are not disabled, in the order of their ids. */
    public ListRequest.Page<ImageEntry> listEnabled(ListRequest request) {
        return list("enabled images", image -> image.recycled().isEmpty() && !image.disabled(), request);
    }

    /** A part of the images in the recycle bin, in the order of their ids. */
    public ListRequest.Page<ImageEntry> listRecycled(ListRequest request) {
        return list("recycled images", image -> image.recycled().isPresent(), request);
    }

    private ListRequest.Page<ImageEntry> list(String kind, Predicate<ImageEntry> listed, ListRequest request) {
        List<ImageEntry> all = request.asked(parts.images().all(), ImageEntry::id).stream()
                .filter(listed)
                .sorted(Comparator.comparing(image -> image.id().text()))
                .toList();
        return request.page(
                kind, all, image -> Digits.order(image.id()), Optional::of, FILTERS.passing(request.filters()));
    }

    /** Fails with IMAGE_NOT_FOUND. */
    public ImageEntry describe(ImageId id) {
        return parts.images()
                .find(id)
                .filter(image -> image.phase() == Phase.READY)
                .orElseThrow(() -> notFound(id));
    }

    /**
     * One that something new may be begun with. Fails with IMAGE_NOT_FOUND, or IMAGE_UNAVAILABLE while it is disabled.
     */
    ImageEntry usable(ImageId id) {
        ImageEntry image = describe(id);
        if (image.disabled()) {
            throw new RequestException(ErrorCode.IMAGE_UNAVAILABLE, "image " + id + " is disabled: enable it first");
        }
        return image;
    }

    private static RequestException notFound(ImageId id) {
        return new RequestException(ErrorCode.IMAGE_NOT_FOUND, "there is no image " + id);
    }

    /** Describes, tags, deprecates, protects or disables an image. */
    public CompletableFuture<ImageEntry> change(
            ImageId id, UnaryOperator<ImageEntry> change, Precondition precondition) {
        return parts.sequencer().run(TURN, () -> {
            ImageEntry old = describe(id);
            precondition.require(old.etag());
            ImageEntry changed = change.apply(old);
            if (!changed.deprecatedAt().equals(old.deprecatedAt())) {
                changed.deprecatedAt().ifPresent(this::requireFuture);
            }
            parts.images().put(changed);
            return changed;
        });
    }

    private void requireFuture(Instant deprecation) {
        if (!deprecation.isAfter(now())) {
            throw new RequestException(
                    ErrorCode.INVALID_PARAMETER_VALUE,
                    "deprecationTime %s is refused: it must be in the future".formatted(deprecation));
        }
    }

    /**
     * Deregisters an image, or puts it into the recycle bin if a rule keeps it: its snapshots stay then. Volumes
     * launched from it stay. Fails with OPERATION_NOT_PERMITTED while it is protected.
     *
     * @param deleteSnapshots delete those of its snapshots that no other image uses and that are not locked, or put
     *     them into the recycle bin where a rule keeps them
     * @return what came of the snapshots; empty if they were to stay
     */
    public CompletableFuture<List<SnapshotResult>> deregister(
            ImageId id, boolean deleteSnapshots, Precondition precondition) {
        return parts.sequencer().run(TURN, () -> {
            ImageEntry image = describe(id);
            precondition.require(image.etag());
            if (image.deregistrationProtected()) {
                throw new RequestException(
                        ErrorCode.OPERATION_NOT_PERMITTED,
                        "image " + id + " is protected from deregistration: take the protection off first");
            }
            Optional<Recycled> kept = rules.keep(RetentionRule.Resource.IMAGE, image.label());
            if (kept.isPresent()) {
                parts.images().put(image.recycled(kept));
                return deleteSnapshots ? deleteSnapshots(image) : List.of();
            }
            if (!deleteSnapshots) {
                parts.images().remove(id);
                return List.of();
            }
            ImageEntry going = image.with(Phase.DELETING);
            parts.images().put(going);
            return deleteWithSnapshots(going);
        });
    }

    private List<SnapshotResult> deleteWithSnapshots(ImageEntry image) {
        List<SnapshotResult> results = deleteSnapshots(image);
        parts.images().remove(image.id());
        return results;
    }

    private List<SnapshotResult> deleteSnapshots(ImageEntry image) {
        List<SnapshotResult> results = new ArrayList<>();
        for (SnapshotId snapshot : image.snapshots()) {
            results.add(new SnapshotResult(snapshot, delete(snapshot)));
        }
        return results;
    }

    private Optional<RequestException> delete(SnapshotId snapshot) {
        try {
            snapshots
                    .delete(snapshot, false, Precondition.NONE, Connections.NONE)
                    .join();
            return Optional.empty();
        } catch (CompletionException e) {
            return Optional.of(refusal(e));
        }
    }

    /**
     * Takes an image out of the recycle bin. Fails with IMAGE_NOT_FOUND if it is not there, IMAGE_NAME_DUPLICATE if
     * another has got its name.
     */
    public CompletableFuture<ImageEntry> restore(ImageId id) {
        return parts.sequencer().run(TURN, () -> {
            ImageEntry binned = binned(id);
            requireFreeName(binned.label().name());
            ImageEntry restored = binned.recycled(Optional.empty());
            parts.images().put(restored);
            return restored;
        });
    }

    /** Deletes an image in the recycle bin for good. Fails with IMAGE_NOT_FOUND or OPERATION_NOT_PERMITTED. */
    public CompletableFuture<Void> purge(ImageId id) {
        return parts.sequencer().run(TURN, () -> {
            binned(id).recycled().ifPresent(rules::requirePurgeable);
            parts.images().remove(id);
            return null;
        });
    }

    private ImageEntry binned(ImageId id) {
        return parts.images()
                .find(id)
                .filter(image -> image.phase() == Phase.RECYCLED)
                .orElseThrow(() -> notFound(id));
    }

    /** Deletes what has been in the recycle bin long enough. Blocks. */
    void expire() {
        parts.sequencer()
                .run(TURN, () -> {
                    parts.images().all().stream()
                            .filter(this::isOver)
                            .toList()
                            .forEach(image -> parts.images().remove(image.id()));
                    return "over";
                })
                .join();
    }

    private boolean isOver(ImageEntry image) {
        return image.recycled().filter(kept -> !now().isBefore(kept.until())).isPresent();
    }

    /** Ends deregistrations that a crash cut short. Blocks. */
    void finish() {
        parts.images().all().stream()
                .filter(image -> image.phase() == Phase.DELETING)
                .toList()
                .forEach(this::deleteWithSnapshots);
    }

    private Instant now() {
        return parts.clock().instant();
    }
}
