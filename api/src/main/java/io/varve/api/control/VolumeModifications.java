package io.varve.api.control;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The modifications of all volumes, and the rules of EBS about them: one after the other, and of every type but
 * {@code local} only so many in 24 hours. Thread-safe.
 */
final class VolumeModifications {
    /** How many are kept of each volume. */
    static final int KEPT = 32;

    private static final String KIND = "volume-modification";
    private static final int NUMBER_BITS = 24;
    private static final Duration WINDOW = Duration.ofHours(24);

    private static final Filters<VolumeModificationView> FILTERS = new Filters<VolumeModificationView>(
                    view -> view.volume().entry().label())
            .one("volume-id", VolumeModificationView::volumeId)
            .one("modification-state", view -> view.modification().state().text())
            .one("start-time", view -> view.modification().startedAt())
            .one("original-size", view -> view.modification().original().sizeGiB())
            .one("target-size", view -> view.modification().target().sizeGiB())
            .one(
                    "original-volume-type",
                    view -> view.modification().original().limits().volumeType())
            .one(
                    "target-volume-type",
                    view -> view.modification().target().limits().volumeType())
            .one(
                    "originalMultiAttachEnabled",
                    view -> view.modification().original().multiAttach())
            .one(
                    "targetMultiAttachEnabled",
                    view -> view.modification().target().multiAttach())
            .one(
                    "original-iops",
                    view -> view.modification().original().limits().iops())
            .one("target-iops", view -> view.modification().target().limits().iops())
            .one(
                    "original-throughput",
                    view -> view.modification().original().limits().throughputMiBps())
            .one(
                    "target-throughput",
                    view -> view.modification().target().limits().throughputMiBps());

    private final ControlParts parts;
    private final int mostPerDay;

    /** @param mostPerDay of one volume, 0 for no limit */
    VolumeModifications(ControlParts parts, int mostPerDay) {
        this.parts = parts;
        this.mostPerDay = mostPerDay;
    }

    /** A part of those of these volumes, by volume and then oldest first. */
    static ListRequest.Page<VolumeModificationView> list(List<VolumeView> volumes, ListRequest request) {
        return page(
                volumes.stream()
                        .flatMap(volume -> volume.entry().modifications().stream()
                                .map(modification -> new VolumeModificationView(volume, modification)))
                        .toList(),
                request);
    }

    /** A part of the newest of each volume, by volume. */
    static ListRequest.Page<VolumeModificationView> listNewest(List<VolumeView> volumes, ListRequest request) {
        return page(
                volumes.stream()
                        .flatMap(volume -> volume.entry().modification().stream()
                                .map(modification -> new VolumeModificationView(volume, modification)))
                        .toList(),
                request);
    }

    private static ListRequest.Page<VolumeModificationView> page(
            List<VolumeModificationView> all, ListRequest request) {
        return request.page(
                "modifications", all, VolumeModifications::place, Optional::of, FILTERS.passing(request.filters()));
    }

    private static long place(VolumeModificationView view) {
        return (view.volume().record().sequence() << NUMBER_BITS)
                + view.modification().number();
    }

    /** What keeps a volume from being modified now: INCORRECT_MODIFICATION_STATE while it is being modified. */
    static Optional<RequestException> refusal(VolumeEntry entry) {
        return entry.modification()
                .filter(VolumeModification::isUnderWay)
                .map(before -> new RequestException(
                        ErrorCode.INCORRECT_MODIFICATION_STATE,
                        "volume %s is being modified since %s: wait until that is completed"
                                .formatted(entry.id(), before.startedAt())));
    }

    /**
     * With the beginning of a modification. Fails with VOLUME_MODIFICATION_RATE_EXCEEDED if there were too many lately.
     */
    VolumeEntry begin(VolumeEntry entry, VolumeModification.Shape original, VolumeModification.Shape target) {
        Instant now = parts.clock().instant();
        if (isRationed(target)) {
            requireFew(entry, now);
        }
        long number = entry.modification().map(VolumeModification::number).orElse(0L) + 1;
        return entry.with(VolumeModification.begun(number, original, target, now));
    }

    private static boolean isRationed(VolumeModification.Shape target) {
        return !target.limits().volumeType().equals(VolumeLimits.LOCAL);
    }

    private void requireFew(VolumeEntry entry, Instant now) {
        List<VolumeModification> lately = lately(entry, now).toList();
        if (mostPerDay > 0 && lately.size() >= mostPerDay) {
            Instant free = lately.get(lately.size() - mostPerDay).startedAt().plus(WINDOW);
            throw new RequestException(
                    ErrorCode.VOLUME_MODIFICATION_RATE_EXCEEDED,
                    "volume %s was modified %d times in 24 hours, and %d are allowed: try again after %s"
                            .formatted(entry.id(), lately.size(), mostPerDay, free));
        }
    }

    /** Those that count. What failed changed nothing; a clock that was set back is no reason to wait for longer. */
    private static Stream<VolumeModification> lately(VolumeEntry entry, Instant now) {
        return entry.modifications().stream()
                .filter(one -> one.state() != VolumeModification.State.FAILED && isRationed(one.target()))
                .filter(one -> !one.startedAt().isAfter(now))
                .filter(one -> one.startedAt().isAfter(now.minus(WINDOW)));
    }

    /** Tells what the newest modification has come to; EBS has the state {@code optimizing} between the two. */
    void tell(VolumeEntry entry) {
        entry.modification().ifPresent(newest -> {
            if (newest.state() == VolumeModification.State.COMPLETED) {
                parts.events().publish(KIND, entry.id(), "optimizing");
            }
            parts.events().publish(KIND, entry.id(), newest.state().text());
        });
    }

    /** How it ended. */
    VolumeEntry completed(VolumeEntry entry) {
        return entry.completed(parts.clock().instant());
    }

    /**
     * A volume that is what it was, with a modification that failed.
     *
     * @param begun with the modification under way
     */
    VolumeEntry failed(VolumeEntry before, VolumeEntry begun, String why) {
        return begun.modification()
                .filter(VolumeModification::isUnderWay)
                .map(one -> before.with(one.failed(parts.clock().instant(), why)))
                .orElse(before);
    }
}
