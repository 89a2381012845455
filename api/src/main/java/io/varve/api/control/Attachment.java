package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.time.Instant;

/**
 * A volume at a device of an instance.
 *
 * @param detaching whether it goes as soon as no NBD client has the volume open
 * @param deleteOnTermination whether the volume goes with the instance
 */
public record Attachment(
        VolumeId volume, String deviceName, boolean deleteOnTermination, boolean detaching, Instant attachedAt) {
    /** The state in EC2's words. */
    public String state() {
        return detaching ? "detaching" : "attached";
    }

    Attachment goingWithInstance(boolean newDeleteOnTermination) {
        return new Attachment(volume, deviceName, newDeleteOnTermination, detaching, attachedAt);
    }

    Attachment leaving() {
        return new Attachment(volume, deviceName, deleteOnTermination, true, attachedAt);
    }
}
