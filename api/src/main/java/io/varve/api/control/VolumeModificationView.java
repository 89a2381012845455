package io.varve.api.control;

import io.varve.engine.VolumeId;

/** A modification and the volume that it is of. */
public record VolumeModificationView(VolumeView volume, VolumeModification modification) {
    public VolumeId volumeId() {
        return volume.record().id();
    }
}
