package io.varve.api.control;

import io.varve.engine.VolumeId;
import java.util.Set;

/**
 * What is asked for when snapshots of several volumes are taken at one instant.
 *
 * @param of the volumes, in the order in which their snapshots are answered
 * @param label what each snapshot is called
 * @param description why they are taken
 */
public record SnapshotGroupRequest(Set<VolumeId> of, Label label, String description) {}
