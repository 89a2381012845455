package io.varve.api.control;

import io.varve.engine.SnapshotId;

/**
 * One disk of an image: which device begins as which snapshot.
 *
 * @param deviceName such as {@code /dev/sda1}
 * @param sizeGiB at least the snapshot's size
 * @param deleteOnTermination whether its volumes go with the instance that they are attached to
 */
public record BlockDeviceMapping(
        String deviceName, SnapshotId snapshot, int sizeGiB, VolumeLimits limits, boolean deleteOnTermination) {}
