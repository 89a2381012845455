package io.varve.api.control;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The tags of all volumes, snapshots, images and instances in one list. Thread-safe. */
public final class Tags {
    private static final Filters<Tag> FILTERS = new Filters<Tag>(
                    tag -> new Label(Optional.empty(), Map.of(tag.key(), tag.value())))
            .one("key", Tag::key)
            .one("value", Tag::value)
            .one("resource-id", Tag::resource)
            .one("resource-type", Tag::kind);

    private final ControlParts parts;

    Tags(ControlParts parts) {
        this.parts = parts;
    }

    /** A tag and what has it. */
    public record Tag(String resource, String kind, String key, String value) {}

    /** A tag at its place among all that pass. */
    private record Placed(int place, Tag tag) {}

    /** A part of the tags, by resource and key. Pages move with tags that come and go between them. */
    public ListRequest.Page<Tag> list(ListRequest request) {
        List<Tag> all = new ArrayList<>();
        add(all, "volume", parts.volumes().all(), VolumeEntry::phase);
        add(all, "snapshot", parts.snapshots().all(), SnapshotEntry::phase);
        add(all, "image", parts.images().all(), ImageEntry::phase);
        add(all, "instance", parts.instances().all(), instance -> Phase.READY);
        all.removeIf(FILTERS.passing(request.filters()).negate());
        all.sort(Comparator.comparing(Tag::resource).thenComparing(Tag::key));
        List<Placed> placed = new ArrayList<>();
        all.forEach(tag -> placed.add(new Placed(placed.size(), tag)));
        return request.page("tags", placed, Placed::place, one -> Optional.of(one.tag()), tag -> true);
    }

    private interface PhaseOf<T> {
        Phase of(T entry);
    }

    private static <T extends Entry<?>> void add(List<Tag> all, String kind, Collection<T> entries, PhaseOf<T> phase) {
        for (T entry : entries) {
            if (phase.of(entry).isShown()) {
                entry.label()
                        .tags()
                        .forEach((key, value) -> all.add(new Tag(String.valueOf(entry.id()), kind, key, value)));
            }
        }
    }
}
