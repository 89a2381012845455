package io.varve.engine.store;

import io.varve.engine.SnapshotId;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A snapshot, as the simulation knows it. */
final class ModelSnapshot {
    final SnapshotId id;
    final ModelVolume of;
    final long asked;
    /** What it may hold; known when it is there, or when the crash came. */
    @Nullable
    VolumeHistory possible;
    /** What it was found to hold. */
    int @Nullable [] content;

    /** Those that were asked for together with it, itself included. */
    List<ModelSnapshot> group = List.of(this);

    long sizeBytes;
    boolean created;
    boolean deleting;
    int users;

    ModelSnapshot(SnapshotId id, ModelVolume of, long asked) {
        this.id = id;
        this.of = of;
        this.asked = asked;
    }

    /** The history of its volume begins anew: notes what it may hold if nobody knows whether it was taken. */
    void settle(ModelVolume volume) {
        if (of == volume && content == null && possible == null) {
            possible = of.history.ofSnapshot(asked);
        }
    }

    /** Holds what was read against what it may hold, and for ever against what it was found to hold first. */
    void check(int[] found) {
        int[] known = content;
        if (known != null) {
            for (int sector = 0; sector < known.length; sector++) {
                if (known[sector] != found[sector]) {
                    throw new AssertionError("%s has changed: sector %d showed %d and shows %d"
                            .formatted(id, sector, known[sector], found[sector]));
                }
            }
        } else if (possible != null) {
            possible.check(found, null);
        }
        content = found;
        possible = null;
    }
}
