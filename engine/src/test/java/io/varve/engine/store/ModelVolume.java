package io.varve.engine.store;

import io.varve.engine.Volume;
import io.varve.engine.VolumeId;
import org.jspecify.annotations.Nullable;

/** A volume, as the simulation knows it. */
final class ModelVolume {
    final VolumeId id;
    final VolumeHistory history;
    /** Volumes that share blocks with it have the same. */
    final int family;

    @Nullable
    Volume open;

    boolean created;
    boolean opening;
    boolean deleting;
    /** Its log has failed and it was seen to say so. */
    boolean failed;
    /** It was let go of after that: the next opening recovers it. */
    boolean recovering;
    /** Requests and calls that it is needed for. */
    int inFlight;
    /** The size that is certain, and the one that may be. */
    long sizeBytes;

    long askedSizeBytes;

    ModelVolume(VolumeId id, int[] content, long sizeBytes, int family) {
        this.id = id;
        this.history = new VolumeHistory(content);
        this.sizeBytes = sizeBytes;
        this.askedSizeBytes = sizeBytes;
        this.family = family;
    }

    boolean usable() {
        return created && !deleting && !opening;
    }

    /** A new life: nobody holds it. */
    void forgetLife() {
        created = true;
        deleting = false;
        opening = false;
        failed = false;
        recovering = false;
        open = null;
        inFlight = 0;
    }
}
